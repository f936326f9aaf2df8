import Glibc
import Synchronization
import Testing
import Transport

@testable import L7Proxy

/// The admin listener over sockets: who is answered, and what a hostile peer can hold.
@Suite("Admin listener")
struct AdminListenerTests {
    private static let local = "{address: '127.0.0.1:0'}"

    static func proxy(admin: String = local, settings: String = "") throws -> ProxyUnderTest {
        try ProxyUnderTest(
            file: "routes: [{backends: [127.0.0.1:9]}]\n" + settings, admin: admin)
    }

    private static func ask(
        _ proxy: ProxyUnderTest, _ request: String, _ rule: BodyRule = .byFields
    ) throws -> Message {
        try proxy.connectAdmin(sending: request).readMessage(rule)
    }

    private static func head(_ line: String, _ fields: String...) -> String {
        ([line + " HTTP/1.1", "Host: 127.0.0.1"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// A token file that is gone with the test.
    private final class TokenFile {
        let path: String

        init(_ text: String) {
            path = "/tmp/l7proxy-token-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            write(text)
        }

        func write(_ text: String) {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            writeAll(text, to: descriptor)
            close(descriptor)
        }

        deinit { _ = unsafe unlink(path) }
    }

    @Test("a serving process is alive and ready")
    func ready() throws {
        let proxy = try Self.proxy()
        let alive = try Self.ask(proxy, Self.head("GET /healthz"))
        #expect(alive.status == 200 && alive.bodyText == "alive\n")
        let ready = try Self.ask(proxy, Self.head("GET /readyz"))
        #expect(ready.status == 200 && ready.bodyText == "ready\n")
        #expect(ready["Cache-Control"] == "no-store")
        #expect(ready["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
    }

    @Test("HEAD has the fields of GET and no body; a POST is told what may be done")
    func methods() throws {
        let proxy = try Self.proxy()
        let client = try proxy.connectAdmin(sending: Self.head("HEAD /readyz"))
        let head = try client.readMessage(.none)
        #expect(head.status == 200 && head["Content-Length"] == "6")
        try client.send(Self.head("POST /readyz", "Content-Length: 2") + "hi")
        let refusal = try client.readMessage()
        #expect(refusal.status == 405 && refusal["Allow"] == "GET, HEAD")
        try client.send(Self.head("GET /nothing"))
        #expect(try client.readMessage().status == 404)
    }

    @Test("pipelined requests are answered in order on one connection")
    func pipelined() throws {
        let proxy = try Self.proxy()
        let paths = ["/healthz", "/readyz", "/healthz", "/x"]
        let client = try proxy.connectAdmin(
            sending: paths.map { Self.head("GET \($0)") }.joined())
        let statuses = try paths.map { _ in try client.readMessage().status }
        #expect(statuses == [200, 200, 200, 404])
    }

    @Test("a client that wants the connection closed, or speaks HTTP/1.0, gets it closed")
    func closes() throws {
        let proxy = try Self.proxy()
        for request in [
            Self.head("GET /healthz", "Connection: close"), "GET /healthz HTTP/1.0\r\n\r\n",
        ] {
            let (text, ending) = try proxy.connectAdmin(sending: request).readToEnd()
            #expect(text.contains("Connection: close\r\n") && text.hasSuffix("alive\n"))
            #expect(ending == .closed)
        }
    }

    @Test("an address that asks for a token gives nothing but probes without it")
    func token() throws {
        let file = TokenFile("0123456789abcdef\n")
        let proxy = try Self.proxy(
            admin: "{address: '127.0.0.1:0', tokenFile: \(file.path)}")
        #expect(try Self.ask(proxy, Self.head("GET /healthz")).status == 200)
        let refusal = try Self.ask(proxy, Self.head("GET /nothing"))
        #expect(refusal.status == 401 && refusal["WWW-Authenticate"] == "Bearer")
        let shown = "Authorization: Bearer 0123456789abcdef"
        #expect(try Self.ask(proxy, Self.head("GET /nothing", shown)).status == 404)
    }

    @Test("a reload reads the token again, and keeps the old one when the new one is too short")
    func tokenReload() throws {
        let file = TokenFile("0123456789abcdef\n")
        let proxy = try Self.proxy(
            admin: "{address: '127.0.0.1:0', tokenFile: \(file.path)}")
        let client = try proxy.connectAdmin(
            sending: Self.head("GET /x", "Authorization: Bearer 0123456789abcdef"))
        #expect(try client.readMessage().status == 404)
        file.write("fedcba9876543210")
        proxy.reload("routes: [{backends: [127.0.0.1:9]}]")
        // The connection is as it was; the token is not.
        try client.send(Self.head("GET /x", "Authorization: Bearer 0123456789abcdef"))
        #expect(try client.readMessage().status == 401)
        file.write("short")
        proxy.reload("routes: [{backends: [127.0.0.1:9]}]")
        try client.send(Self.head("GET /x", "Authorization: Bearer fedcba9876543210"))
        #expect(try client.readMessage().status == 404)
    }

    @Test(
        "a head beyond 16 KiB, a body beyond 4 KiB and what is no request are refused",
        arguments: [
            ("GET /\(String(repeating: "a", count: 16_300)) HTTP/1.1\r\nHost: a\r\n\r\n", 403),
            ("GET /\(String(repeating: "a", count: 16_400)) HTTP/1.1\r\nHost: a\r\n\r\n", 431),
            ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n", 413),
            ("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
            (
                "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n", 400
            ),
            ("GET /x HTTP/1.1\r\n\r\n", 400), ("nonsense\r\n\r\n", 400),
        ])
    func limits(request: String, status: Int) throws {
        let proxy = try Self.proxy()
        #expect(try Self.ask(proxy, request).status == status)
        #expect(try Self.ask(proxy, Self.head("GET /healthz")).status == 200)
    }

    @Test("a body of 4 KiB is passed over, in however many pieces it comes")
    func body() throws {
        let proxy = try Self.proxy()
        let client = try proxy.connectAdmin(
            sending: Self.head("POST /healthz", "Content-Length: 4096"))
        for _ in 0..<4 { try client.send(String(repeating: "x", count: 1024)) }
        #expect(try client.readMessage().status == 405)
        try client.send(Self.head("GET /healthz"))
        #expect(try client.readMessage().status == 200)
    }

    @Test("hundreds of silent clients keep nobody out, and one is answered that came before")
    func silentClients() throws {
        let proxy = try Self.proxy()
        var silent: [Wire] = []
        for _ in 0..<200 { silent.append(try proxy.connectAdmin(sending: "GET /")) }
        #expect(try Self.ask(proxy, Self.head("GET /healthz")).status == 200)
        // The last 63 are still there; the others made room.
        try silent[199].send("x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try silent[199].readMessage().status == 403)
        #expect(try silent[0].readToEnd().text == "")
    }

    @Test("its thread leaves the process's signals to whoever waits for them")
    func signals() throws {
        let before = try Self.threads()
        let result = Mutex<Result<Void, any Error>>(.success(()))
        // As the main thread of a fresh process.
        let main = try startThread(name: "main") {
            var all = sigset_t()
            unsafe sigfillset(&all)
            _ = unsafe pthread_sigmask(SIG_UNBLOCK, &all, nil)
            result.withLock { result in
                result = Result { try Self.expectBlocked(besides: before) }
            }
        }
        main.join()
        try result.withLock { try $0.get() }
    }

    private static func expectBlocked(besides before: Set<String>) throws {
        let proxy = try proxy()
        var foundCount = 0
        for thread in try threads().subtracting(before) {
            // Threads of other tests end meanwhile.
            let path = "/proc/self/task/\(thread)/status"
            guard let bytes = try? ConfigurationFiles.bytes(ofFile: path) else { continue }
            let status = String(decoding: bytes, as: UTF8.self)
            guard status.hasPrefix("Name:\tadmin\n") else { continue }
            foundCount += 1
            let line = try #require(
                status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") })
            let mask = try #require(UInt64(line.dropFirst(8), radix: 16))
            for number in Server.signals { #expect(mask >> UInt64(number - 1) & 1 == 1) }
        }
        #expect(foundCount > 0)
        proxy.stop()
    }

    private static func threads() throws -> Set<String> {
        guard let directory = unsafe opendir("/proc/self/task") else { return [] }
        defer { unsafe closedir(directory) }
        var names: Set<String> = []
        while let entry = unsafe readdir(directory) {
            names.insert(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                })
        }
        return names
    }

    @Test("the listener ends with the process")
    func ends() throws {
        let proxy = try Self.proxy()
        let client = try proxy.connectAdmin(sending: Self.head("GET /readyz"))
        #expect(try client.readMessage().status == 200)
        proxy.stop()
        #expect(try client.readToEnd().ending == .closed)
        #expect(throws: (any Error).self) { try proxy.connectAdmin().readToEnd() }
    }

    @Test("an address that is taken is an error where it was asked for")
    func taken() throws {
        let first = try Self.proxy()
        let port = try #require(first.adminPort)
        #expect(throws: AdminFailure.self) {
            _ = try Self.proxy(admin: "{address: '127.0.0.1:\(port)'}")
        }
    }
}
