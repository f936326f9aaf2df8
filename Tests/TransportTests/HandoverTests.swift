import Glibc
import Testing

@testable import Transport

/// What passes from one process to the next, and to the service manager.
@Suite("Handing over")
struct HandoverTests {
    @Test("a listener lives on in a copy of its socket, with whom waits in its queue")
    func queueSurvives() throws {
        let loop = try EventLoop()
        let first = try Listener.bind(to: loopback(), loop: loop)
        let client = try dial(first.address)
        let copy = try #require(first.copyForSuccessor())
        #expect(copy.address == first.address && copy.sharesPort)
        first.close()
        let second = try Listener.adopt(copy, loop: loop)
        var accepted: [Peer] = []
        second.onAccept = { socket, _ in accepted.append(Peer(socket)) }
        #expect(client.write("hello") == .bytes(5))
        turn(loop) { accepted.count == 1 }
        #expect(accepted[0].nextText() == "hello")
        #expect(accepted[0].socket.number(Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
        second.close()
    }

    @Test("only listening stream sockets are taken from outside")
    func strangers() throws {
        let loop = try EventLoop()
        let listener = try Listener.bind(to: loopback(), loop: loop)
        let client = try dial(listener.address)
        #expect(InheritedSocket(client.socket.descriptor) == nil)
        let file = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        #expect(InheritedSocket(file) == nil)
        close(file)
        #expect(InheritedSocket(-1) == nil)
        #expect(InheritedSocket(9_999) == nil)
        let path = try #require(SocketAddress.unix(temporaryPath()))
        let local = try Listener.bind(to: path, loop: loop)
        let copy = try #require(local.copyForSuccessor())
        #expect(copy.address == path && !copy.sharesPort)
        copy.close()
        local.close()
        listener.close()
        _ = path.path.map { unsafe unlink($0) }
    }

    @Test("what a listener keeps in reserve is not handed over")
    func reserve() {
        let reserve = Listener.openReserve()
        #expect(fcntl(reserve.descriptor, F_GETFD) == FD_CLOEXEC)
    }

    @Test("a reader that takes nothing is given up")
    func stuckReader() throws {
        let (own, other) = try HandoverChannel.pair(patience: .milliseconds(50))
        #expect(own.send([UInt8](repeating: 0, count: 16 << 20)) == false)
        #expect(other.word() == .byte(0))
    }

    @Test("a started program gets the descriptors and the variable, and no other descriptor")
    func childProcess() throws {
        let (own, other) = try HandoverChannel.pair()
        let (held, _) = try HandoverChannel.pair()
        let script = """
            test -z "$PATH_OF_TEST" && echo "$GIVEN" >&\(other.descriptor)
            test -e /proc/self/fd/\(held.descriptor) && echo leaked >&\(other.descriptor)
            true
            """
        let child = try ChildProcess.start(
            ["bash", "-c", script], variable: "GIVEN=hello", removed: ["PATH_OF_TEST="],
            passing: [other.descriptor])
        child.wait()
        var said: [UInt8] = []
        while case .byte(let byte) = own.word() { said.append(byte) }
        #expect(String(decoding: said, as: UTF8.self) == "hello\n")
    }

    @Test("a program that is not there is an error")
    func noProgram() {
        #expect(throws: SystemError(call: "posix_spawn", code: ENOENT)) {
            try ChildProcess.start(
                ["/nonexistent/program"], variable: "A=b", removed: [], passing: [])
        }
    }

    @Test("a channel tells words, their absence, and the other's end")
    func channel() throws {
        let (own, other) = try HandoverChannel.pair()
        #expect(own.word() == .nothing)
        #expect(other.send([7]))
        #expect(own.word() == .byte(7))
        #expect(other.send([1, 2]))
        shutdown(other.descriptor, Int32(SHUT_RDWR))
        #expect(own.receive(2) == [1, 2])
        #expect(own.word() == .ended)
        #expect(own.receive(1) == nil)
        #expect(!own.send([1]))
    }

    @Test(
        "the service manager hears of us, at a path and at an abstract name", arguments: ["/", "@"])
    func notification(kind: String) throws {
        let path = temporaryPath()
        let name = kind == "@" ? "@" + path : path
        let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer {
            close(receiver)
            unsafe unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (kind == "@" ? [0] : []) + Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(receiver, address, length)
            }
        }
        #expect(result == 0)
        try #require(NotificationSocket(name)).send("READY=1\nSTATUS=serving")
        var space = [UInt8](repeating: 0, count: 100)
        let count = unsafe recv(receiver, &space, space.count, Int32(MSG_DONTWAIT))
        #expect(
            String(decoding: space.prefix(max(0, count)), as: UTF8.self)
                == "READY=1\nSTATUS=serving")
    }

    @Test(
        "what names no socket of the service manager is left alone",
        arguments: ["", "/", "relative", "@", "vsock:2:1"])
    func noNotification(name: String) {
        #expect(NotificationSocket(name) == nil)
    }

    @Test("a name of 107 bytes is the longest")
    func longName() {
        #expect(NotificationSocket("/" + String(repeating: "a", count: 106)) != nil)
        #expect(NotificationSocket("/" + String(repeating: "a", count: 107)) == nil)
    }

    @Test("ticket keys are the same in the process that takes over, and no older")
    func ticketKeys() throws {
        let old = TLSTicketKeys()
        let new = TLSTicketKeys()
        let key = old.newest(at: MonotonicTime.now().nanoseconds)
        new.take(old.copies)
        #expect(new.newest(at: MonotonicTime.now().nanoseconds).cipherKey == key.cipherKey)
        #expect(new.copies == old.copies && old.copies.count == 1)
        new.take([TLSTicketKeys.Copy(bytes: [1, 2, 3], made: 0)])
        #expect(new.copies == old.copies)
        let fromFiles = try TLSTicketKeys([[UInt8](repeating: 1, count: 80)])
        #expect(fromFiles.copies == [])
    }
}
