import Testing

@testable import Transport

@Suite("Buffers")
struct BufferTests {
    private func contents(_ buffer: ByteBuffer) -> [UInt8] {
        buffer.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    }

    private func append(_ bytes: [UInt8], to buffer: ByteBuffer) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe buffer.append($0) }
    }

    @Test("bytes come out in the order in which they went in, round after round")
    func order() {
        let buffer = ByteBuffer(capacity: 16)
        var expected: [UInt8] = []
        var next: UInt8 = 0
        for round in 0..<200 {
            let count = min(1 + round % 7, buffer.freeCapacity)
            let bytes = (0..<count).map { next &+ UInt8($0) }
            next &+= UInt8(count)
            #expect(append(bytes, to: buffer))
            expected += bytes
            let consumed = min(1 + round % 5, buffer.count)
            buffer.consume(consumed)
            expected.removeFirst(consumed)
            #expect(contents(buffer) == expected)
        }
    }

    @Test("what has no room is not taken, not even in part")
    func bound() {
        let buffer = ByteBuffer(capacity: 8)
        #expect(append([1, 2, 3, 4, 5], to: buffer))
        #expect(!append([6, 7, 8, 9], to: buffer))
        #expect(contents(buffer) == [1, 2, 3, 4, 5])
        buffer.consume(2)
        #expect(append([6, 7, 8, 9, 10], to: buffer))
        #expect(contents(buffer) == [3, 4, 5, 6, 7, 8, 9, 10])
        #expect(buffer.freeCapacity == 0)
    }

    @Test("written free space counts once it is committed")
    func freeSpace() {
        let buffer = ByteBuffer(capacity: 8)
        #expect(append([1, 2, 3], to: buffer))
        buffer.consume(2)
        let offered = unsafe buffer.withFreeSpace { space in
            unsafe space[0] = 4
            return space.count
        }
        #expect(offered == 7)
        #expect(contents(buffer) == [3])
        buffer.commit(1)
        #expect(contents(buffer) == [3, 4])
    }

    @Test(
        "the pool gives the smallest size that is enough",
        arguments: [(0, 4_096), (4_096, 4_096), (4_097, 16_384), (65_537, 262_144)])
    func sizes(wanted: Int, given: Int) {
        #expect(BufferPool().lease(capacity: wanted)?.capacity == given)
    }

    @Test("beyond the largest size there is nothing")
    func largest() {
        #expect(BufferPool().lease(capacity: 1_048_576) != nil)
        #expect(BufferPool().lease(capacity: 1_048_577) == nil)
        #expect(BufferPool().lease(capacity: .max) == nil)
    }

    @Test("a buffer that was given back is used again, empty")
    func reuse() throws {
        let pool = BufferPool()
        let buffer = try #require(pool.lease(capacity: 100))
        #expect(append([1, 2, 3], to: buffer))
        pool.giveBack(buffer)
        let again = try #require(pool.lease(capacity: 200))
        #expect(again === buffer)
        #expect(again.isEmpty)
    }

    @Test("what lies idle is bounded, and foreign buffers are not kept")
    func idleBound() {
        let pool = BufferPool()
        pool.giveBack(ByteBuffer(capacity: 5_000))
        #expect(pool.idleByteCount == 0)
        for capacity in [4_096, 1_048_576] {
            for _ in 0..<300 { pool.giveBack(ByteBuffer(capacity: capacity)) }
        }
        #expect(pool.idleByteCount == 2 * 1_048_576)
    }
}
