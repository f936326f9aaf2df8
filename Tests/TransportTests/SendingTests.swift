import Glibc
import Testing

@testable import Transport

@Suite("Sending")
struct SendingTests {
    /// Bytes whose order can be told from their values.
    private func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    }

    /// Receives at the peer, and lets the connection flush, until `count` bytes are there.
    private func drain(_ pipe: Piped, count: Int) -> [UInt8] {
        pipe.recorder.onReady = { connection in
            if case .failed(let error) = connection.flush() { Issue.record(error) }
        }
        var received: [UInt8] = []
        let end = MonotonicTime.now() + .seconds(10)
        while received.count < count, MonotonicTime.now() < end {
            guard let bytes = pipe.peer.readBytes() else { break }
            received += bytes
            // Nothing there: only the flush that an event of the loop brings can help.
            pipe.loop.turn(waitingAtMost: bytes.isEmpty ? .milliseconds(10) : .zero)
        }
        return received
    }

    @Test("what the kernel does not take follows in order", arguments: [true, false])
    func partialSends(tcp: Bool) throws {
        let pipe = try Piped(on: EventLoop(), tcp: tcp, options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(700_000)
        #expect(pipe.connection.send(Array(bytes[..<600_000])) == .queued)
        #expect(!pipe.connection.isWritable)
        // What is sent while something waits goes behind it.
        #expect(pipe.connection.send(Array(bytes[600_000...])) == .queued)
        #expect(pipe.connection.unsentByteCount > 0)
        #expect(drain(pipe, count: bytes.count) == bytes)
        #expect(!pipe.connection.hasUnsentBytes)
        #expect(pipe.connection.flush() == .sent)
        pipe.connection.close()
    }

    @Test(
        "two parts go out behind each other, wherever the kernel stops",
        arguments: [(5, 7), (0, 9), (9, 0), (10, 600_000), (600_000, 10), (300_000, 300_000)])
    func twoParts(firstCount: Int, secondCount: Int) throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(firstCount + secondCount)
        let result = unsafe bytes.withUnsafeBytes { bytes in
            unsafe pipe.connection.send(
                UnsafeRawBufferPointer(rebasing: bytes[..<firstCount]),
                UnsafeRawBufferPointer(rebasing: bytes[firstCount...]))
        }
        #expect(result == (bytes.count < 1_000 ? .sent : .queued))
        #expect(drain(pipe, count: bytes.count) == bytes)
        pipe.connection.close()
    }

    @Test("what is sent when there is room again, and not flushed yet, goes behind what waits")
    func sendingBeforeFlush() throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(600_010)
        #expect(pipe.connection.send(Array(bytes[..<600_000])) == .queued)
        var received: [UInt8] = []
        turn(pipe.loop) {
            received += pipe.peer.readBytes() ?? []
            return pipe.connection.isWritable
        }
        #expect(pipe.connection.hasUnsentBytes)
        #expect(pipe.connection.send(Array(bytes[600_000...])) == .queued)
        #expect(pipe.connection.flush() != .sent)
        received += drain(pipe, count: bytes.count - received.count)
        #expect(received == bytes)
        pipe.connection.close()
    }

    @Test("a caller who does not stop is stopped at 1 MB")
    func unsentBound() throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(262_144)
        var results: [SendResult] = []
        while results.count < 100, results.last != .failed(SystemError(call: "send", code: ENOBUFS))
        {
            results.append(pipe.connection.send(bytes))
        }
        #expect(results.count < 100)
        #expect(pipe.connection.unsentByteCount <= 1_048_576)
        pipe.connection.close()
    }

    @Test("the end of sending follows the bytes that wait")
    func finishSending() throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(600_000)
        #expect(pipe.connection.send(bytes) == .queued)
        pipe.connection.finishSending()
        #expect(pipe.connection.send("too late") == .failed(SystemError(call: "send", code: EPIPE)))
        #expect(drain(pipe, count: bytes.count) == bytes)
        #expect(pipe.peer.nextText() == nil)
        // Receiving goes on.
        #expect(pipe.peer.write("still here") == .bytes(10))
        pipe.waitUntilReadable()
        #expect(pipe.connection.receiveText().text == "still here")
        pipe.connection.close()
    }

    @Test("with nothing waiting, the end of sending goes out at once")
    func finishSendingAtOnce() throws {
        let pipe = try Piped(on: EventLoop())
        #expect(pipe.connection.send("all") == .sent)
        pipe.connection.finishSending()
        #expect(pipe.peer.nextText() == "all")
        #expect(pipe.peer.nextText() == nil)
        pipe.connection.close()
    }

    @Test("buffers of what was sent go back to the pool")
    func buffersReturn() throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        let bytes = pattern(600_000)
        #expect(pipe.connection.send(bytes) == .queued)
        #expect(pipe.loop.buffers.idleByteCount == 0)
        #expect(drain(pipe, count: bytes.count) == bytes)
        #expect(pipe.loop.buffers.idleByteCount > 0)
        pipe.connection.close()
    }

    @Test("a peer that has gone is a failure, and no signal ends the process")
    func brokenPipe() throws {
        let pipe = try Piped(on: EventLoop(), tcp: false)
        pipe.peer.close()
        #expect(pipe.connection.send("x") == .failed(SystemError(call: "send", code: EPIPE)))
        pipe.connection.close()
    }

    @Test("an idle connection is not called for room it had before")
    func noNeedlessCalls() throws {
        let pipe = try Piped(on: EventLoop())
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(pipe.recorder.readyCount == 0)
        #expect(pipe.connection.send("x") == .sent)
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(pipe.recorder.readyCount == 0)
        pipe.connection.close()
    }
}
