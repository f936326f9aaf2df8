import Glibc
import ProxyCore
import StickyPolicy
import Testing
import Transport

@testable import L7Proxy

/// Backends that are called by host names.
@Suite("Host names of backends")
struct HostNameTests {
    /// Backends at 127.0.0.1 and so on, all at one port, each answering with its number.
    private static func backends(_ hosts: UInt8...) throws -> [ScriptedBackend] {
        var made: [ScriptedBackend] = []
        for host in hosts {
            let port = made.first?.port ?? 0
            made.append(
                try ScriptedBackend(
                    host: host, port: port, ScriptedBackend.answering(ok("\(host)"))))
        }
        return made
    }

    private static func file(_ backend: ScriptedBackend, _ annotations: String = "") -> String {
        """
        resolver: {interval: 1s}
        routes: [{backends: ["app.test:\(backend.port)"], annotations: {\(annotations)}}]
        """
    }

    private static func answers(_ proxy: ProxyUnderTest, _ count: Int = 6) throws -> Set<String> {
        Set(try (0..<count).map { _ in try proxy.exchange(get()).bodyText })
    }

    @Test("every address of a name serves")
    func all() throws {
        let backends = try HostNameTests.backends(1, 2, 3)
        let hosts = HostsInMemory()
        hosts.set("app.test", to: 1, 2, 3)
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0]), backends: backends, hosts: hosts)
        #expect(try HostNameTests.answers(proxy) == ["1", "2", "3"])
    }

    @Test("sessions stay with the addresses that stay, in whatever order an answer has them")
    func sessions() throws {
        let backends = try HostNameTests.backends(1, 2, 3)
        let hosts = HostsInMemory()
        hosts.set("app.test", to: 2, 3)
        let sticky = "affinity: cookie, affinity-mode: persistent"
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0], sticky), backends: backends, hosts: hosts)
        let first = try proxy.exchange(get())
        let cookie = try #require(first.cookie)
        hosts.set("app.test", to: 3, 1, 2)
        try proxy.takeAnswers { try HostNameTests.answers(proxy) == ["1", "2", "3"] }
        let second = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(second.bodyText == first.bodyText && second["Set-Cookie"] == nil)
        // Its pooled connection was used on, if it was free.
        #expect(backends.map(\.failures) == [[], [], []])
    }

    @Test("a failure changes nothing, and is counted")
    func failure() throws {
        let backends = try HostNameTests.backends(1)
        let hosts = HostsInMemory()
        hosts.set("app.test", to: 1)
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0]), backends: backends,
            admin: "127.0.0.1:0", hosts: hosts)
        hosts.remove("app.test")
        try proxy.takeAnswers {
            let metrics = try proxy.connectAdmin().asks("/metrics").bodyText
            return metrics.contains("l7proxy_dns_failures_total 1")
        }
        #expect(try proxy.exchange(get()).bodyText == "1")
    }

    @Test("a name without an answer does not stop the start, and is asked for again soon")
    func unknownAtStart() throws {
        let backends = try HostNameTests.backends(1)
        let hosts = HostsInMemory()
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0]), backends: backends, hosts: hosts)
        #expect(try proxy.exchange(get()).status == 503)
        hosts.set("app.test", to: 1)
        try proxy.takeAnswers { try proxy.exchange(get()).status == 200 }
    }

    @Test("a reload waits for the first answer to a new name, while the old routes serve")
    func reload() throws {
        let backends = try HostNameTests.backends(1, 2)
        let gate = try Gate()
        let hosts = HostsInMemory(behind: gate)
        hosts.set("app.test", to: 2)
        let proxy = try ProxyUnderTest(
            file: "routes: [{backends: [\"\(backends[0].address)\"]}]", backends: backends,
            hosts: hosts)
        proxy.reload(HostNameTests.file(backends[1]))
        #expect(proxy.awaitsNames)
        #expect(try proxy.exchange(get()).bodyText == "1")
        gate.open()
        try proxy.takeAnswers { !proxy.awaitsNames }
        #expect(try proxy.exchange(get()).bodyText == "2")
    }

    @Test(
        "what an operator said outlasts an answer without the address, but not without the name",
        arguments: [true, false])
    func words(isNamed: Bool) {
        let backends = [1, 2].map { (number: UInt32) in
            let endpoint = Endpoint(address: IPAddress(v4: number), port: 80)
            return Backend(endpoint: endpoint, name: "\(number)")
        }
        var service = Service(name: "s", backends: backends)
        if isNamed { service.named = [NamedBackend(host: "app.test", port: 80)] }
        let states = AdministrativeStates()
        _ = states.states(for: [service])
        #expect(states.set(.drain, ofBackend: "2", inService: nil) == ["s"])
        service.backends = [backends[0]]
        _ = states.states(for: [service])
        service.backends = backends
        let found = states.states(for: [service])[0].map(\.current)
        #expect(found == [.ready, isNamed ? .drain : .ready])
    }

    @Test("once no name is left, nothing is waited for that would have the main thread spin")
    func nothingLeft() throws {
        let backends = try HostNameTests.backends(1, 2)
        let hosts = HostsInMemory()
        hosts.set("app.test", to: 1)
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0]), backends: backends, hosts: hosts)
        hosts.set("app.test", to: 2)
        try proxy.takeAnswers { try proxy.exchange(get()).bodyText == "2" }
        // Sooner after the last than answers are taken.
        proxy.takeAnswers()
        proxy.reload("routes: [{backends: [\"\(backends[0].address)\"]}]")
        proxy.takeAnswers()
        #expect(proxy.patience(atMost: .seconds(10)) == .seconds(10))
    }

    @Test("who waits for the first answers is woken by the last of them")
    func ring() throws {
        let hosts = HostsInMemory()
        hosts.set("one.test", to: 1)
        let resolver = try NameResolver(log: ProxyUnderTest.silentLog, lookup: hosts.lookup)
        let names: Set = ["one.test", "none.test"]
        let haveAll = try Gate()
        resolver.tell { if resolver.haveBeenTried(names) { haveAll.open() } }
        resolver.look(up: names, every: .seconds(3_600))
        try haveAll.wait()
        #expect(resolver.answers.keys.sorted() == ["one.test"])
        resolver.stop()
    }

    @Test("the end does not wait for the first answers")
    func endWhileStarting() throws {
        let backends = try HostNameTests.backends(1)
        let gate = try Gate()
        Signals.block(Server.signals)
        // To this thread alone, which is the main thread to this proxy.
        raise(SIGTERM)
        let begin = ContinuousClock.now
        let proxy = try ProxyUnderTest(
            file: HostNameTests.file(backends[0]), backends: backends,
            hosts: HostsInMemory(behind: gate))
        #expect(ContinuousClock.now - begin < Server.nameLimit)
        #expect(Signals.wait(for: [SIGTERM], timeout: .zero) == SIGTERM)
        gate.open()
        proxy.stop()
    }

    @Test("the sites of two names are checked each for itself, behind one address, too")
    func checks() throws {
        let backend = try ScriptedBackend { wire, _ in
            while let request = try wire.readMessageIfAny() {
                let isBad = request["Host"]?.hasPrefix("ill.test") ?? false
                try wire.send(isBad ? Patient.ill : ok("well"))
            }
        }
        let hosts = HostsInMemory()
        hosts.set("well.test", to: 1)
        hosts.set("ill.test", to: 1)
        let check = "healthCheck: {path: /healthz, interval: 20ms}"
        let proxy = try ProxyUnderTest(
            file: """
                services:
                  well: {backends: ["well.test:\(backend.port)"], \(check)}
                  ill: {backends: ["ill.test:\(backend.port)"], \(check)}
                routes: [{service: well}, {path: /ill, service: ill}]
                """, backends: [backend], admin: "127.0.0.1:0", hosts: hosts)
        let count = { (result: String, service: String) in
            let metrics = try proxy.connectAdmin().asks("/metrics").bodyText
            let line = metrics.split(separator: "\n").first {
                $0.contains("backend_checks") && $0.contains("service=\"\(service)\"")
                    && $0.contains("result=\"\(result)\"")
            }
            return try #require(line?.split(separator: " ").last)
        }
        try proxy.takeAnswers {
            try count("passed", "well") != "0" && count("failed", "ill") != "0"
        }
        #expect(try count("failed", "well") == "0" && count("passed", "ill") == "0")
    }

    @Test("a look-up that hangs holds up neither another reload nor the end")
    func hanging() throws {
        let backends = try HostNameTests.backends(1)
        let gate = try Gate()
        let proxy = try ProxyUnderTest(
            file: "routes: [{backends: [\"\(backends[0].address)\"]}]", backends: backends,
            hosts: HostsInMemory(behind: gate))
        proxy.reload(HostNameTests.file(backends[0]))
        proxy.reload("routes: [{path: /new, backends: [\"\(backends[0].address)\"]}]")
        #expect(!proxy.awaitsNames)
        #expect(try proxy.exchange(get("/new")).bodyText == "1")
        proxy.reload(HostNameTests.file(backends[0]))
        proxy.stop()
        gate.open()
    }
}
