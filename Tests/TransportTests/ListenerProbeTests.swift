import Testing

@testable import Transport

@Suite("Asking whether an address is taken")
struct ListenerProbeTests {
    @Test("an address that another listener shares is taken; after its close it is free")
    func takenAddress() throws {
        let loop = try EventLoop()
        let loopback = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0)
        let listener = try Listener.bind(to: loopback, loop: loop)
        let address = listener.address
        #expect(throws: SystemError.self) { try Listener.probe(address) }
        // A second listener would be let in, which is why the question is asked.
        let second = try Listener.bind(to: address, loop: loop)
        second.close()
        listener.close()
        try Listener.probe(address)
    }

    @Test("a port that the kernel is to choose is never taken")
    func anyPort() throws {
        try Listener.probe(SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0))
    }
}
