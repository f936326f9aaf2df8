import Glibc
import Testing

@testable import Transport

@Suite("Closing")
struct ClosingTests {
    @Test("the peer of a closed connection sees an end, that of a reset one a failure")
    func endAndReset() throws {
        let loop = try EventLoop()
        let closed = try Piped(on: loop)
        let reset = try Piped(on: loop)
        closed.connection.close()
        reset.connection.reset()
        closed.peer.wait(for: POLLIN)
        reset.peer.wait(for: POLLIN)
        #expect(closed.peer.socket.pendingErrorCode == 0)
        #expect(reset.peer.socket.pendingErrorCode == ECONNRESET)
        #expect(loop.sourceCount == 0)
    }

    @Test("closing twice, and using what is closed, is harmless")
    func closedTwice() throws {
        let pipe = try Piped(on: EventLoop())
        let connection = pipe.connection
        connection.close()
        connection.close()
        connection.reset()
        #expect(!connection.isOpen)
        #expect(connection.receiveText().result == .wouldBlock)
        #expect(connection.send("x") == .failed(SystemError(call: "send", code: EPIPE)))
        #expect(connection.flush() == .sent)
        connection.deadline = pipe.loop.now
        connection.finishSending()
        connection.runAgain()
        #expect(connection.deadline == nil)
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(pipe.recorder.readyCount == 0)
        #expect(pipe.recorder.deadlineCount == 0)
    }

    @Test("a connection that closes itself in its handler lives to the end of the turn")
    func closeSelf() throws {
        let loop = try EventLoop()
        let peer: Peer
        weak var observed: Connection?
        do {
            let pipe = try Piped(on: loop)
            peer = pipe.peer
            observed = pipe.connection
            pipe.recorder.onReady = { connection in
                connection.close()
                #expect(!connection.isOpen)
            }
        }
        #expect(observed != nil, "the loop keeps what it watches")
        loop.onTurnEnd = { if loop.sourceCount == 0 { #expect(observed != nil) } }
        #expect(peer.write("x") == .bytes(1))
        turn(loop) { loop.sourceCount == 0 }
        #expect(observed == nil)
        loop.onTurnEnd = nil
    }

    @Test("an event of a connection that another's handler closed in the same turn is skipped")
    func closeAnother() throws {
        let loop = try EventLoop()
        let pipes = try (0..<8).map { _ in try Piped(on: loop) }
        loop.turn(waitingAtMost: .zero)
        for pipe in pipes { #expect(pipe.peer.write("x") == .bytes(1)) }
        // Whoever comes first closes all others, whose events wait in the same batch.
        for pipe in pipes {
            pipe.recorder.onReady = { ready in
                for other in pipes where other.connection !== ready { other.connection.close() }
            }
        }
        turn(loop) { loop.sourceCount == 1 }
        #expect(pipes.map(\.recorder.readyCount).reduce(0, +) == 1)
        for pipe in pipes { pipe.connection.close() }
    }

    @Test("a stale event does not reach the new tenant of its slot")
    func staleEvent() throws {
        let loop = try EventLoop()
        let pipes = try (0..<2).map { _ in try Piped(on: loop) }
        loop.turn(waitingAtMost: .zero)
        for pipe in pipes { #expect(pipe.peer.write("x") == .bytes(1)) }
        var tenant: Piped?
        for pipe in pipes {
            pipe.recorder.onReady = { ready in
                let other = pipes[0].connection === ready ? pipes[1] : pipes[0]
                let slot = other.connection.token.slot
                other.connection.close()
                do {
                    let new = try Piped(on: loop)
                    #expect(new.connection.token.slot == slot)
                    tenant = new
                } catch {
                    Issue.record(error)
                }
            }
        }
        loop.turn(waitingAtMost: .seconds(5))
        #expect(pipes.map(\.recorder.readyCount).reduce(0, +) == 1)
        #expect(tenant?.recorder.readyCount == 0)
        #expect(tenant?.connection.isReadable == false)
        tenant?.connection.close()
        for pipe in pipes { pipe.connection.close() }
    }

    @Test("a token of a former tenant finds nobody")
    func slotReuse() {
        var slots = SlotTable()
        let (first, second) = (EventSource(), EventSource())
        let former = slots.insert(first)
        #expect(slots.source(for: former) === first)
        #expect(slots.remove(former) === first)
        #expect(slots.remove(former) == nil)
        let present = slots.insert(second)
        #expect(present.slot == former.slot)
        #expect(present != former)
        #expect(slots.source(for: former) == nil)
        #expect(slots.source(for: present) === second)
        #expect(slots.source(for: .none) == nil)
        #expect(slots.count == 1)
    }

    @Test("a closed connection gives its buffers back")
    func buffersReturn() throws {
        let pipe = try Piped(on: EventLoop(), options: [.sendBuffer(bytes: 4_096)])
        #expect(pipe.connection.send([UInt8](repeating: 1, count: 1_000_000)) == .queued)
        #expect(pipe.loop.buffers.idleByteCount == 0)
        pipe.connection.close()
        #expect(pipe.loop.buffers.idleByteCount > 0)
    }
}
