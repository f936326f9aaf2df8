import StickyPolicy
import Testing

@testable import ProxyCore

@Suite("Backends with host names")
struct NamedBackendTests {
    private static func address(_ last: UInt32) -> IPAddress { IPAddress(v4: 0x0A00_0000 | last) }

    private static func backend(_ last: UInt32) -> Backend {
        let endpoint = Endpoint(address: address(last), port: 80)
        return Backend(endpoint: endpoint, name: endpoint.description)
    }

    private static func service(_ named: NamedBackend...) -> Service {
        var service = Service(name: "s", backends: [backend(1), backend(2)])
        service.named = named
        return service
    }

    @Test(
        "they stand where the file has them",
        arguments: [(0, [7, 8, 1, 2]), (1, [1, 7, 8, 2]), (2, [1, 2, 7, 8])])
    func places(position: Int, expected: [UInt32]) {
        let named = NamedBackend(host: "a", port: 80, position: position)
        let backends = NamedBackendTests.service(named).backends { _ in
            [NamedBackendTests.address(7), NamedBackendTests.address(8)]
        }
        #expect(backends.map(\.endpoint.address) == expected.map(NamedBackendTests.address))
    }

    @Test("a name that stands for nothing leaves the others as they are")
    func none() {
        let service = NamedBackendTests.service(NamedBackend(host: "a", port: 80, position: 1))
        #expect(service.backends { _ in [] } == service.backends)
    }

    @Test("an address that is listed, or found by an earlier name, counts once")
    func twice() {
        let service = NamedBackendTests.service(
            NamedBackend(host: "a", port: 80, position: 2),
            NamedBackend(host: "b", port: 80, position: 2))
        let found = service.backends { _ in [2, 3].map(NamedBackendTests.address) }
        #expect(found.map(\.name) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"])
        #expect(found.map(\.host) == [nil, nil, "a"])
    }

    @Test(
        "a name of its own stays for one address, and takes in the address of several",
        arguments: [([7], ["app"]), ([7, 8], ["app@10.0.0.7", "app@10.0.0.8"])])
    func names(addresses: [UInt32], expected: [String]) {
        var named = NamedBackend(host: "a", port: 80)
        named.name = "app"
        named.model.weight = 5
        let found = named.backends(at: addresses.map(NamedBackendTests.address))
        #expect(found.map(\.name) == expected)
        #expect(found.allSatisfy { $0.weight == 5 && $0.endpoint.port == 80 })
    }
}
