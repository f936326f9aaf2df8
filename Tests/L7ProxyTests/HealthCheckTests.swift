import Synchronization
import Testing

/// Backends that are asked how they are (`healthCheck`, `healthCheckNodePort`).
@Suite("Health checks")
struct HealthCheckTests {
    private static let persistent = "affinity: cookie, affinity-mode: persistent"
    private static let fast = "healthCheck: {path: /healthz, interval: 20ms}"

    private func file(
        _ patients: [Patient], _ check: String = HealthCheckTests.fast,
        annotations: String = HealthCheckTests.persistent
    ) -> String {
        """
        services:
          web:
            backends: [\(patients.map { "\"\($0.backend.address)\"" }.joined(separator: ", "))]
            \(check)
        routes: [{service: web, annotations: {\(annotations)}}]
        """
    }

    private func proxy(
        _ patients: [Patient], _ check: String = HealthCheckTests.fast,
        annotations: String = HealthCheckTests.persistent
    ) throws -> ProxyUnderTest {
        try ProxyUnderTest(
            file: file(patients, check, annotations: annotations),
            backends: patients.map(\.backend))
    }

    /// Sends requests until one is answered as wanted, for at most ten seconds.
    private func waits(
        for wanted: String, at proxy: ProxyUnderTest, _ field: String = "X: y"
    ) throws -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if try proxy.exchange(get("/", field)).bodyText == wanted { return true }
        }
        return false
    }

    /// Whether no request of several new clients goes to this backend.
    private func isAvoided(_ name: String, by proxy: ProxyUnderTest) throws -> Bool {
        try (0..<8).allSatisfy { _ in try proxy.exchange(get()).bodyText != name }
    }

    @Test("a backend that fails its checks is avoided, and used again when it passes them")
    func riseAndFall() throws {
        let patients = try [Patient("one"), Patient("two")]
        let proxy = try proxy(patients)
        #expect(try waits(for: "one", at: proxy))
        patients[0].become(Patient.ill)
        patients[0].awaitChecks(4)
        #expect(try isAvoided("one", by: proxy))
        patients[0].become(Patient.well)
        #expect(try waits(for: "one", at: proxy))
    }

    @Test("a backend that is to be down is not asked, until the file wants it again")
    func wantedDown() throws {
        let patients = try [Patient("one"), Patient("two")]
        func file(_ state: String) -> String {
            """
            services:
              web:
                backends:
                  - {address: "\(patients[0].backend.address)", state: \(state)}
                  - "\(patients[1].backend.address)"
                \(HealthCheckTests.fast)
            routes: [{service: web}]
            """
        }
        let proxy = try ProxyUnderTest(file: file("down"), backends: patients.map(\.backend))
        patients[1].awaitChecks(4)
        #expect(patients[0].askedCount == 0)
        proxy.reload(file("ready"))
        patients[0].awaitChecks(1)
        #expect(try waits(for: "one", at: proxy))
    }

    @Test("checks come from the first of sourceAddresses, as requests do")
    func sourceAddress() throws {
        let patients = try [Patient("one"), Patient("two")]
        let proxy = try ProxyUnderTest(
            file: file(patients) + "\nsourceAddresses: [127.0.0.9]",
            backends: patients.map(\.backend))
        patients[0].awaitChecks(2)
        #expect(patients[0].askers == [9])
        #expect(try proxy.exchange(get()).status == 200)
    }

    @Test("a session moves while its backend is down, and comes home with the same cookie")
    func sessionComesHome() throws {
        let patients = try [Patient("one"), Patient("two")]
        let proxy = try proxy(patients)
        var first = try proxy.exchange(get())
        while first.bodyText != "one" { first = try proxy.exchange(get()) }
        let held = "Cookie: \(try #require(first.cookie))"
        patients[0].become(Patient.ill)
        patients[0].awaitChecks(4)
        let moved = try proxy.exchange(get("/", held))
        #expect(moved.bodyText == "two" && moved["Set-Cookie"] == nil)
        patients[0].become(Patient.well)
        #expect(try waits(for: "one", at: proxy, held))
    }

    @Test(
        "a backend that asks for a drain keeps its sessions and gets no new ones",
        arguments: [Patient.draining, Patient.missing])
    func drain(condition: String) throws {
        let patients = try [Patient("one"), Patient("two")]
        let proxy = try proxy(
            patients, annotations: HealthCheckTests.persistent + ", disable-on-404: \"true\"")
        var first = try proxy.exchange(get())
        while first.bodyText != "one" { first = try proxy.exchange(get()) }
        let held = "Cookie: \(try #require(first.cookie))"
        patients[0].become(condition)
        patients[0].awaitChecks(2)
        #expect(try isAvoided("one", by: proxy))
        #expect(try proxy.exchange(get("/", held)).bodyText == "one")
    }

    @Test("what a check has found holds over a reload that keeps the backend")
    func reload() throws {
        let patients = try [Patient("one"), Patient("two")]
        let slow = "healthCheck: {path: /healthz, interval: 50ms, rise: 100}"
        let proxy = try proxy(patients, slow)
        patients[0].become(Patient.ill)
        patients[0].awaitChecks(5)
        #expect(try isAvoided("one", by: proxy))
        patients[0].become(Patient.well)
        proxy.reload(file(patients, slow, annotations: ""))
        #expect(try isAvoided("one", by: proxy))
    }

    @Test("a backend that answers no check is found out, however often the file is read meanwhile")
    func reloadsDuringChecks() throws {
        let patients = try [Patient("one"), Patient("two")]
        let check = "healthCheck: {path: /healthz, interval: 20ms, timeout: 300ms, fall: 1}"
        let proxy = try proxy(patients, check)
        patients[0].awaitChecks(1)
        patients[0].become(Patient.mute)
        let end = ContinuousClock.now + .seconds(10)
        var isFoundOut = false
        while !isFoundOut, ContinuousClock.now < end {
            proxy.reload(file(patients, check))
            isFoundOut = try isAvoided("one", by: proxy)
        }
        #expect(isFoundOut)
    }

    @Test("without a path a connection is enough, and a refused one is not")
    func connect() throws {
        let patients = try [Patient("one"), Patient("two")]
        let proxy = try proxy(patients, "healthCheck: {interval: 20ms, fall: 1}")
        patients[0].backend.stop()
        #expect(try waits(for: "two", at: proxy))
        #expect(patients[0].askedCount == 0)
    }

    @Test("when every backend is down, all are used")
    func everyBackendDown() throws {
        let patients = try [Patient("one", Patient.ill), Patient("two", Patient.ill)]
        let proxy = try proxy(patients)
        for patient in patients { patient.awaitChecks(2) }
        #expect(try waits(for: "one", at: proxy))
        #expect(try waits(for: "two", at: proxy))
    }

    @Test("a check names the host and path of the file, and closes")
    func request() throws {
        let patient = try Patient("one")
        let proxy = try proxy(
            [patient], "healthCheck: {path: /healthz?a=b, host: shop.example.com, interval: 20ms}")
        patient.awaitChecks(1)
        let request = try #require(patient.checks.first)
        #expect(request.startLine == "GET /healthz?a=b HTTP/1.1")
        #expect(request["Host"] == "shop.example.com" && request["Connection"] == "close")
        proxy.stop()
    }

    @Test("a node without pods gets no new clients (healthCheckNodePort)")
    func node() throws {
        // The node's own answers come from a port beside those of its services.
        let patients = try [Patient("one"), Patient("two")]
        let node = try Patient("node", Patient.noPods)
        let port = node.backend.port
        let other = try ProxyUnderTest(
            file: """
                services:
                  one: {backends: ["\(patients[0].backend.address)"], healthCheckNodePort: \(port)}
                  two: {backends: ["\(patients[1].backend.address)"]}
                routes: [{path: /one, service: one}, {service: two}]
                """, backends: patients.map(\.backend) + [node.backend])
        node.awaitChecks(1)
        // Its only backend is used all the same: a terminating pod still answers.
        #expect(try other.exchange(get("/one")).bodyText == "one")
        #expect(node.checks.first?.startLine == "GET /healthz HTTP/1.1")
    }
}

/// A backend whose health a test can change: it answers checks with that, and everything else with
/// its name.
final class Patient: Sendable {
    private struct State {
        var condition: String
        var checks: [Message] = []
        /// The addresses that checks came from.
        var askers: Set<Int> = []
        var gates: [(count: Int, gate: Gate)] = []
    }

    private final class Shared: Sendable {
        let state: Mutex<State>

        init(_ condition: String) {
            state = Mutex(State(condition: condition))
        }
    }

    static let well = head("HTTP/1.1 200 OK", "Content-Length: 0")
    static let ill = head("HTTP/1.1 500 Ill", "Content-Length: 0")
    static let draining = head("HTTP/1.1 503 No", "X-Health: drain", "Content-Length: 0")
    static let missing = head("HTTP/1.1 404 Not Found", "Content-Length: 0")
    /// It takes the question, and says nothing.
    static let mute = ""
    static let noPods = """
        HTTP/1.1 503 Service Unavailable\r\nContent-Length: 20\r\n\r\n{"localEndpoints":0}
        """

    let backend: ScriptedBackend
    private let shared: Shared

    init(_ name: String, _ condition: String = Patient.well) throws {
        let shared = Shared(condition)
        self.shared = shared
        backend = try ScriptedBackend { wire, _ in
            while let request = try wire.readMessageIfAny() {
                guard request.startLine.contains("/healthz") else {
                    try wire.send(ok(name))
                    continue
                }
                let (answer, gates) = shared.state.withLock { state in
                    state.checks.append(request)
                    state.askers.insert(wire.peerNumber)
                    let reached = state.gates.filter { $0.count <= state.checks.count }
                    state.gates.removeAll { $0.count <= state.checks.count }
                    return (state.condition, reached.map(\.gate))
                }
                try wire.send(answer)
                for gate in gates { gate.open() }
                if answer == Patient.mute { _ = try wire.readToEnd() }
                return
            }
        }
    }

    /// What it answers to checks from now on.
    func become(_ condition: String) {
        shared.state.withLock { $0.condition = condition }
    }

    var checks: [Message] { shared.state.withLock { $0.checks } }

    var askedCount: Int { checks.count }

    var askers: Set<Int> { shared.state.withLock { $0.askers } }

    /// Waits until so many more checks were answered. The last of them is on its way.
    func awaitChecks(_ count: Int) {
        do {
            let gate = try Gate()
            shared.state.withLock { state in
                state.gates.append((state.checks.count + count, gate))
            }
            try gate.wait()
        } catch {
            Issue.record("no \(count) checks came: \(error)")
        }
    }
}
