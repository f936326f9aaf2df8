import Glibc
import Testing

@testable import Transport

/// A listener and what it accepted.
private final class Doorway {
    let listener: Listener
    var accepted: [Peer] = []
    var peers: [SocketAddress?] = []

    init(_ listener: Listener) {
        self.listener = listener
        listener.onAccept = { [unowned self] socket, peer in
            accepted.append(Peer(socket))
            peers.append(peer)
        }
    }
}

@Suite("Listening")
struct ListenerTests {
    @Test(
        "a connection is accepted with its peer's address",
        arguments: [loopback(), loopbackIPv6()])
    func accepting(at address: SocketAddress) throws {
        let loop = try EventLoop()
        let door = Doorway(try Listener.bind(to: address, loop: loop))
        #expect(door.listener.address.port != 0)
        let client = try dial(door.listener.address)
        turn(loop) { door.accepted.count == 1 }
        #expect(door.peers == [client.address])
        #expect(door.peers.first??.isIPv4 == address.isIPv4)
        #expect(client.write("hello") == .bytes(5))
        #expect(door.accepted[0].nextText() == "hello")
        door.listener.close()
    }

    @Test("what is accepted sends at once and has the listener's options")
    func inheritedOptions() throws {
        let loop = try EventLoop()
        let probes = SocketOption.keepAlive(idle: 77, interval: 11, count: 3)
        let door = Doorway(try Listener.bind(to: loopback(), loop: loop, options: [probes]))
        let client = try dial(door.listener.address)
        turn(loop) { door.accepted.count == 1 }
        let tcp = Int32(IPPROTO_TCP)
        #expect(door.accepted[0].socket.number(tcp, TCP_NODELAY) == 1)
        #expect(door.accepted[0].socket.number(SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(door.accepted[0].socket.number(tcp, TCP_KEEPIDLE) == 77)
        client.close()
        door.listener.close()
    }

    @Test("a flood does not keep a listener from its end")
    func flood() throws {
        let loop = try EventLoop()
        let listener = try Listener.bind(to: loopback(), loop: loop)
        let address = listener.address
        var (acceptedCount, clients) = (0, [try dial(address), try dial(address)])
        listener.onAccept = { socket, _ in
            acceptedCount += 1
            // Nothing of it stays with the kernel.
            socket.set(.resetOnClose)
            Peer(socket).close()
            clients.removeFirst()
            // For each that is accepted another comes.
            if acceptedCount < 10_000, let next = try? dial(address) { clients.append(next) }
        }
        listener.acceptRest()
        #expect(acceptedCount >= 4_096 && acceptedCount < 10_000)
        listener.close()
    }

    @Test("a path is listened at again when its former owner is gone, and not before")
    func stalePath() throws {
        let address = try #require(SocketAddress.unix(temporaryPath()))
        let path = try #require(address.path)
        let loop = try EventLoop()
        let first = Doorway(try Listener.bind(to: address, loop: loop))
        #expect(throws: SystemError(call: "bind", code: EADDRINUSE)) {
            _ = try Listener.bind(to: address, loop: loop)
        }
        first.listener.close()
        let second = Doorway(try Listener.bind(to: address, loop: loop))
        let client = try dial(address)
        turn(loop) { second.accepted.count == 1 }
        #expect(second.peers == [nil])
        client.close()
        second.listener.close()
        unsafe unlink(path)
    }

    @Test("a file that is no socket is left alone")
    func ordinaryFile() throws {
        let address = try #require(SocketAddress.unix(temporaryPath()))
        let path = try #require(address.path)
        let file = unsafe open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        _ = Glibc.close(file)
        let loop = try EventLoop()
        #expect(throws: SystemError(call: "bind", code: EADDRINUSE)) {
            _ = try Listener.bind(to: address, loop: loop)
        }
        let removed = unsafe unlink(path)
        #expect(removed == 0)
    }

    @Test("two loops share one address, and each connection comes to one of them")
    func sharedPort() throws {
        let loops = [try EventLoop(), try EventLoop()]
        let first = Doorway(try Listener.bind(to: loopback(), loop: loops[0]))
        let address = first.listener.address
        let second = Doorway(try Listener.bind(to: address, loop: loops[1]))
        let clients = try (0..<64).map { _ in try dial(address) }
        turn(loops[0]) {
            loops[1].turn(waitingAtMost: .zero)
            return first.accepted.count + second.accepted.count == clients.count
        }
        // One in 2^63 runs gives one of them none.
        #expect(!first.accepted.isEmpty && !second.accepted.isEmpty)
        first.listener.close()
        second.listener.close()
    }

    @Test("IPv4 and IPv6 can be bound to one port")
    func bothFamilies() throws {
        let loop = try EventLoop()
        let six = try Listener.bind(to: SocketAddress(high: 0, low: 0, port: 0), loop: loop)
        let port = try #require(six.address.port)
        let any = SocketAddress(high: 0, low: 0xFFFF_0000_0000, port: port)
        let four = try Listener.bind(to: any, loop: loop)
        #expect(four.address.port == port)
        six.close()
        four.close()
    }

    @Test("an address that is not ours is refused with its reason")
    func foreignAddress() throws {
        let foreign = SocketAddress(high: 0, low: 0xFFFF_C000_0201, port: 0)
        let loop = try EventLoop()
        #expect(throws: SystemError(call: "bind", code: EADDRNOTAVAIL)) {
            _ = try Listener.bind(to: foreign, loop: loop)
        }
    }

    @Test("a paused listener leaves clients waiting, and finds them when it resumes")
    func pausing() throws {
        let loop = try EventLoop()
        let door = Doorway(try Listener.bind(to: loopback(), loop: loop))
        door.listener.pause()
        let client = try dial(door.listener.address)
        client.wait(for: POLLOUT)
        loop.turn(waitingAtMost: .zero)
        #expect(door.accepted.isEmpty)
        door.listener.resume()
        turn(loop) { door.accepted.count == 1 }
        door.listener.close()
    }

    @Test("a burst is accepted over several turns, and pausing ends it at once")
    func burst() throws {
        let loop = try EventLoop()
        let door = Doorway(try Listener.bind(to: loopback(), loop: loop))
        door.listener.acceptLimit = 4
        let clients = try (0..<10).map { _ in try dial(door.listener.address) }
        for client in clients { client.wait(for: POLLOUT) }
        loop.turn(waitingAtMost: .seconds(5))
        #expect(door.accepted.count == 4)
        let listener = door.listener
        listener.onAccept = { socket, _ in
            door.accepted.append(Peer(socket))
            if door.accepted.count == 6 { listener.pause() }
        }
        loop.turn(waitingAtMost: .seconds(5))
        #expect(door.accepted.count == 6)
        listener.resume()
        turn(loop) { door.accepted.count == 10 }
        listener.close()
    }

    @Test("a socket that listens already is taken over with the clients that wait")
    func adopting() throws {
        let loop = try EventLoop()
        let former = try Listener.bind(to: loopback(), loop: loop)
        let client = try dial(former.address)
        client.wait(for: POLLOUT)
        let successor = Doorway(try Listener.adopt(former.duplicate(), loop: loop))
        #expect(successor.listener.address == former.address)
        former.close()
        #expect(loop.sourceCount == 1)
        turn(loop) { successor.accepted.count == 1 }
        #expect(successor.peers == [client.address])
        successor.listener.close()
    }
}
