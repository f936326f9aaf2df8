import Glibc
import Testing

@testable import Transport

@Suite("Receiving")
struct ReceivingTests {
    @Test(
        "a receive that fills less than its space has emptied the socket", arguments: [true, false])
    func shortReceive(tcp: Bool) throws {
        let pipe = try Piped(on: EventLoop(), tcp: tcp)
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText().text == "hello")
        #expect(!pipe.connection.isReadable)
        // The next bytes are a new edge.
        #expect(pipe.peer.write("again") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText().text == "again")
        pipe.connection.close()
    }

    @Test("a receive that fills its space leaves the connection readable")
    func fullReceive() throws {
        let pipe = try Piped(on: EventLoop())
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText(5).text == "hello")
        #expect(pipe.connection.isReadable)
        #expect(pipe.connection.receiveText(5).result == .wouldBlock)
        #expect(!pipe.connection.isReadable)
        pipe.connection.close()
    }

    @Test("an unreadable connection answers without asking the kernel")
    func notReadable() throws {
        let pipe = try Piped(on: EventLoop())
        #expect(pipe.peer.write("hello") == .bytes(5))
        #expect(pipe.connection.receiveText().result == .wouldBlock)
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText().text == "hello")
        pipe.connection.close()
    }

    // The trap of edge-triggered watching: data and end make one event, and the data alone makes a
    // short receive. Taken for empty, the end would never be seen.
    @Test("an end that came together with data is seen after it", arguments: [true, false])
    func dataAndEnd(tcp: Bool) throws {
        let pipe = try Piped(on: EventLoop(), tcp: tcp)
        #expect(pipe.peer.write("last words") == .bytes(10))
        pipe.peer.socket.shutdownWrite()
        turn(pipe.loop) { pipe.connection.peerHasClosed }
        #expect(pipe.connection.receiveText().text == "last words")
        #expect(pipe.connection.isReadable)
        #expect(pipe.connection.receiveText().result == .endOfStream)
        #expect(!pipe.connection.isReadable)
        pipe.connection.close()
    }

    @Test("an end after a short receive is a new event", arguments: [true, false])
    func endAlone(tcp: Bool) throws {
        let pipe = try Piped(on: EventLoop(), tcp: tcp)
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText().text == "hello")
        #expect(!pipe.connection.peerHasClosed)
        pipe.peer.socket.shutdownWrite()
        turn(pipe.loop) { pipe.connection.peerHasClosed }
        #expect(pipe.connection.isReadable)
        #expect(pipe.connection.receiveText().result == .endOfStream)
        // The other direction goes on.
        #expect(!pipe.connection.isHungUp)
        #expect(pipe.connection.send("bye") == .sent)
        #expect(pipe.peer.nextText() == "bye")
        pipe.connection.close()
    }

    @Test("a reset is a failure and never an end")
    func reset() throws {
        let pipe = try Piped(on: EventLoop())
        pipe.peer.reset()
        turn(pipe.loop) { pipe.connection.isHungUp }
        let expected = IOResult.failed(SystemError(call: "recv", code: ECONNRESET))
        #expect(pipe.connection.receiveText().result == expected)
        #expect(pipe.connection.error?.code == ECONNRESET)
        pipe.connection.close()
    }

    // The kernel tells a reset once. Told to a send, it must not look like an orderly end to the
    // receive after it.
    @Test("a reset that a send met first is a failure for the receive too")
    func resetMetBySend() throws {
        let pipe = try Piped(on: EventLoop())
        pipe.peer.reset()
        turn(pipe.loop) { pipe.connection.isHungUp }
        guard case .failed = pipe.connection.send("hello") else {
            Issue.record("a send to nobody passed for a success")
            return
        }
        guard case .failed = pipe.connection.receiveText().result else {
            Issue.record("a reset passed for an end")
            return
        }
        pipe.connection.close()
    }

    @Test("pending bytes keep their order and give their buffer back")
    func pendingBytes() throws {
        let pipe = try Piped(on: EventLoop())
        let connection = pipe.connection
        let kept = Array("GET /".utf8)
        #expect(connection.pending == nil)
        #expect(unsafe kept.withUnsafeBytes { unsafe connection.appendPending($0) })
        #expect(pipe.peer.write(" HTTP") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(connection.receivePending(reserving: 4_096) == .bytes(5))
        #expect(connection.pendingByteCount == 10)
        connection.consumePending(4)
        let rest = connection.pending?.withBytes { bytes in bytes.indices.map { bytes[$0] } }
        #expect(rest == Array("/ HTTP".utf8))
        connection.consumePending(6)
        #expect(connection.pending == nil)
        #expect(pipe.loop.buffers.idleByteCount > 0)
        connection.close()
    }

    @Test("a receive that finds nothing holds no buffer")
    func nothingPending() throws {
        let pipe = try Piped(on: EventLoop())
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText(5).text == "hello")
        #expect(pipe.connection.isReadable)
        #expect(pipe.connection.receivePending(reserving: 100) == .wouldBlock)
        #expect(pipe.connection.pending == nil)
        pipe.connection.close()
    }

    @Test("pending bytes are bounded")
    func pendingBound() throws {
        let pipe = try Piped(on: EventLoop())
        let half = [UInt8](repeating: 0, count: 524_288)
        let results = (0..<3).map { _ in
            unsafe half.withUnsafeBytes { unsafe pipe.connection.appendPending($0) }
        }
        #expect(results == [true, true, false])
        #expect(pipe.connection.pendingByteCount == 1_048_576)
        pipe.connection.close()
    }
}
