import Testing

/// Backends in TLS that are called by host names.
@Suite("Host names of backends in TLS")
struct HostNameTLSTests {
    /// Self-signed, for a.test and 127.0.0.1, valid to the year 2126. It protects nothing.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBoDCCAUWgAwIBAgIULGdyZoYfYQFVvucQDqlWQe0UWycwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYS50ZXN0MCAXDTI2MTEyMjExMzg0NloYDzIxMjYxMDI5MTEz
        ODQ2WjARMQ8wDQYDVQQDDAZhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATvz0GEpTFZQg4kfFMq6Vawb7SRcVH+1J5NkMCioHSxQsz4CGaJq8sa5wSrgQge
        fYNfvoe9VyiTqlVgqMjGhJMeo3kwdzAdBgNVHQ4EFgQUjXmXzWnaSLGW9OnCfZmM
        Deze2N8wHwYDVR0jBBgwFoAUjXmXzWnaSLGW9OnCfZmMDeze2N8wDwYDVR0TAQH/
        BAUwAwEB/zAkBgNVHREEHTAbggZhLnRlc3SCCyoud2lsZC50ZXN0hwR/AAABMAoG
        CCqGSM49BAMCA0kAMEYCIQCoqQq2y31NFnoTsnGq0ggRDt54xl+5FGXnNTEJ5Ycu
        egIhAJwIYmYZYDI/h4Z5x1CcNpXL5Gi8HkDPGqRUYEzdrPKN
        -----END CERTIFICATE-----

        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7dRVePKDq03YtMTN
        1YF81FQcPyLCGKA33TovHn67OL+hRANCAATvz0GEpTFZQg4kfFMq6Vawb7SRcVH+
        1J5NkMCioHSxQsz4CGaJq8sa5wSrgQgefYNfvoe9VyiTqlVgqMjGhJMe
        -----END PRIVATE KEY-----

        """

    /// A backend in TLS: another proxy, and what it serves.
    private static func backend(_ files: LogDirectory) throws -> ProxyUnderTest {
        try files.write(certificate, to: "a.crt")
        try files.write(key, to: "a.key")
        let pair = "{certificate: \(files.path)/a.crt, key: \(files.path)/a.key}"
        return try ProxyUnderTest(
            to: ScriptedBackend(), listener: "tls: {certificates: [\(pair)]}")
    }

    @Test(
        "a host name is what the certificate must show, unless the service gives a server name",
        arguments: [
            ("a.test", "", 200), ("A.test.", "", 200), ("b.test", "", 502),
            ("b.test", ", serverName: a.test", 200), ("a.test", ", serverName: b.test", 502),
            ("b.test", ", verify: false", 200),
        ])
    func serverName(host: String, said: String, status: Int) throws {
        let files = try LogDirectory()
        let backend = try HostNameTLSTests.backend(files)
        let hosts = HostsInMemory()
        for name in ["a.test", "a.test.", "b.test"] { hosts.set(name, to: 1) }
        let proxy = try ProxyUnderTest(
            file: """
                services:
                  s:
                    backends: ["\(host):\(backend.port)"]
                    tls: {ca: \(files.path)/a.crt\(said)}
                routes: [{service: s}]
                """, hosts: hosts)
        #expect(try proxy.exchange(get()).status == status)
        backend.stop()
    }

    @Test("two names at one address are held each to its own")
    func ownNames() throws {
        let files = try LogDirectory()
        let backend = try HostNameTLSTests.backend(files)
        let hosts = HostsInMemory()
        hosts.set("b.test", to: 1)
        hosts.set("a.test", to: 1)
        let service = { (host: String) in
            """
            {backends: ["\(host):\(backend.port)"], tls: {ca: \(files.path)/a.crt}}
            """
        }
        let proxy = try ProxyUnderTest(
            file: """
                services:
                  a: \(service("a.test"))
                  b: \(service("b.test"))
                routes: [{service: a}, {path: /b, service: b}]
                """, hosts: hosts)
        // The connection that was verified for one is not used for the other.
        #expect(try proxy.exchange(get()).status == 200)
        #expect(try proxy.exchange(get("/b")).status == 502)
        #expect(try proxy.exchange(get()).status == 200)
        backend.stop()
    }
}
