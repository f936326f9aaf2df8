import Logging
import ProxyConfig
import Testing

@testable import L7Proxy

/// How many clients the descriptors of a process are enough for.
@Suite("Budget of descriptors")
struct DescriptorBudgetTests {
    /// (available, wanted, clients)
    @Test(
        "a client has one descriptor and another for its backend, and kept connections an eighth",
        arguments: [
            (800, 0, 350), (800, 1_000, 350), (800, 351, 350), (800, 350, 350), (800, 349, 349),
            (200_000, 65_536, 65_536), (16, 0, 7), (1, 0, 1), (0, 10, 1), (-50, 10, 1),
        ])
    func clients(available: Int, wanted: Int, clients: Int) {
        let budget = DescriptorBudget(available: available, wanted: wanted)
        #expect(budget.clients == clients)
        #expect(budget.idle >= 0 && 2 * budget.clients + budget.idle <= max(2, available))
    }

    @Test("it is said only where there are fewer places than were wanted")
    func tight() {
        #expect(DescriptorBudget(available: 800, wanted: 351).isTight(for: 351))
        #expect(!DescriptorBudget(available: 800, wanted: 350).isTight(for: 350))
        #expect(DescriptorBudget(available: 800, wanted: 0).isTight(for: 0))
        #expect(!DescriptorBudget(available: 1_000_000, wanted: 0).isTight(for: 0))
    }

    @Test("what workers, listeners and others need is not promised to clients")
    func available() {
        let few = DescriptorBudget.available(of: 256, open: 10, workers: 2, listeners: 1)
        #expect(few == 256 - 10 - 12 - 48)
        let many = DescriptorBudget.available(of: 1_048_576, open: 10, workers: 64, listeners: 4)
        #expect(many == 1_048_576 - 10 - 960 - 256)
    }

    @Test("another number of workers, which takes a restart, changes no worker's share")
    func workersAsBefore() throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let first = try #require(Self.file(workers: 2))
        let server = try Server(first, source: { Self.file(workers: 1) }, log: log)
        defer { server.stop() }
        _ = try server.start()
        let share = server.admission.idleMaxOfWorker
        #expect(share > 0)
        server.reload()
        #expect(server.admission.idleMaxOfWorker == share)
    }

    private static func file(workers: Int) -> Configuration? {
        let text = """
            listeners: [{address: "127.0.0.1:0"}]
            workers: \(workers)
            admin: off
            routes: [{backends: ["127.0.0.1:9"]}]
            """
        let file = SourceFile(name: "routes.yaml", text: text)
        return ConfigurationLoader.load([file]).configuration
    }
}
