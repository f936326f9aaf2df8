import Testing

@testable import StickyPolicy

@Suite("the session table")
struct SessionTableTests {
    private func table(limit: Int = 1000) -> SessionTable {
        SessionTable(limit: limit, seed: SessionTable.HashSeed(0x1234, 0x5678))
    }

    private func key(_ number: UInt32, service: UInt64 = 1) -> SessionKey {
        SessionKey(service: service, address: IPAddress(v4: number))
    }

    private func at(_ now: UInt32, timeout: UInt32 = 100) -> IdleTime {
        IdleTime(now: now, timeout: timeout)
    }

    @Test("a client is found again at its service, and at no other")
    func found() {
        let table = table()
        #expect(table.backend(of: key(1), at: at(0)) == nil)
        #expect(table.bind(key(1), to: 7, replacing: nil, at: at(0)) == 7)
        #expect(table.backend(of: key(1), at: at(0)) == 7)
        #expect(table.backend(of: key(2), at: at(0)) == nil)
        #expect(table.backend(of: key(1, service: 2), at: at(0)) == nil)
        #expect(table.count == 1)
    }

    @Test("the idle time starts anew with each request", arguments: [1000, UInt32.max - 150])
    func idle(start: UInt32) {
        let table = table()
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(start))
        #expect(table.backend(of: key(1), at: at(start &+ 100)) == 7)
        #expect(table.backend(of: key(1), at: at(start &+ 200)) == 7)
        #expect(table.backend(of: key(1), at: at(start &+ 301)) == nil)
        #expect(table.bind(key(1), to: 8, replacing: nil, at: at(start &+ 301)) == 8)
        #expect(table.count == 1)
    }

    @Test("a worker whose clock is behind neither ends a session nor shortens it")
    func clockBehind() {
        let table = table()
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(1000))
        #expect(table.backend(of: key(1), at: at(999)) == 7)
        #expect(table.backend(of: key(1), at: at(1100)) == 7)
    }

    @Test("of two first requests the faster one binds the client")
    func race() {
        let table = table()
        #expect(table.bind(key(1), to: 7, replacing: nil, at: at(0)) == 7)
        #expect(table.bind(key(1), to: 8, replacing: nil, at: at(0)) == 7)
    }

    @Test("a lost backend is replaced once")
    func replacing() {
        let table = table()
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(0))
        #expect(table.bind(key(1), to: 8, replacing: 7, at: at(0)) == 8)
        #expect(table.bind(key(1), to: 9, replacing: 7, at: at(0)) == 8)
        #expect(table.backend(of: key(1), at: at(0)) == 8)
    }

    @Test("at the limit the least recently used one goes")
    func leastRecentlyUsed() {
        let table = table(limit: 100)
        for number in 0..<100 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
        }
        _ = table.backend(of: key(0), at: at(1))
        _ = table.bind(key(100), to: 7, replacing: nil, at: at(1))
        #expect(table.count == 100)
        #expect(table.backend(of: key(0), at: at(1)) == 7)
        #expect(table.backend(of: key(1), at: at(1)) == nil)
        #expect(table.backend(of: key(2), at: at(1)) == 7)
    }

    @Test("in a large shard, too, those go that were not used since they came")
    func leastRecentlyUsedOfMany() {
        let table = table(limit: 2_000)
        #expect(table.shardCount == 1)
        for number in 0..<2_000 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
        }
        let used = stride(from: 0 as UInt32, to: 2_000, by: 2)
        for number in used { _ = table.backend(of: key(number), at: at(2)) }
        for number in 5_000..<5_900 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(2))
        }
        #expect(table.count == 2_000)
        let left = Set(table.sessions(inShard: 0, now: 2).map { UInt32($0.key.address.v4Bits) })
        #expect(used.allSatisfy { left.contains($0) })
        #expect(left.filter { $0 >= 5_000 }.count == 900)
    }

    /// With a timeout of 6400 s a use moves a session only when 100 s have passed since it moved.
    @Test("of many, the one that goes was used no more than a 64th of the time after another")
    func nearlyLeastRecentlyUsed() {
        let table = table(limit: 2_000)
        var lastUses: [UInt32: UInt32] = [:]
        var generator = SplitMix64(seed: 3)
        var newest: UInt32 = 0
        for now in 0..<6_000 as Range<UInt32> {
            let isNew = lastUses.count < 2_000 || generator.next().isMultiple(of: 4)
            let number = isNew ? newest : newest - 1 - UInt32(generator.next() % 2_000)
            guard isNew || lastUses[number] != nil else { continue }
            if isNew {
                newest += 1
                _ = table.bind(key(number), to: 7, replacing: nil, at: at(now, timeout: 6400))
            } else if table.backend(of: key(number), at: at(now, timeout: 6400)) == nil {
                continue
            }
            lastUses[number] = now
            guard lastUses.count > 2_000 else { continue }
            let left = Set(
                table.sessions(inShard: 0, now: now).map { UInt32($0.key.address.v4Bits) })
            let gone = lastUses.filter { !left.contains($0.key) }
            for lost in gone.keys { lastUses[lost] = nil }
            let oldest = lastUses.values.min() ?? 0
            #expect(gone.values.allSatisfy { $0 <= oldest + 100 })
        }
        #expect(newest > 2_800)
    }

    @Test("one that is used at the old end does not keep the dead behind it")
    func usedAmongDead() {
        let table = table(limit: 2_000)
        for number in 0..<1_100 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
        }
        for number in 0..<110 as Range<UInt32> { _ = table.backend(of: key(number), at: at(90)) }
        for number in 2_000..<2_700 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(150))
        }
        // Two of the dead go for each that comes.
        #expect(table.count == 110 + 700)
    }

    @Test(
        "the limit holds over all shards, and all of it can be used", arguments: [1, 5000, 70_000])
    func limit(limit: Int) {
        let table = table(limit: limit)
        for number in 0..<UInt32(limit) {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
        }
        #expect(table.count == limit)
        for number in 0..<UInt32(limit) + 1000 {
            _ = table.bind(key(number | 1 << 31), to: 7, replacing: nil, at: at(0))
        }
        #expect(table.count == limit)
        let listed = (0..<table.shardCount).map { table.sessions(inShard: $0, now: 0).count }
        #expect(listed.reduce(0, +) == limit)
    }

    @Test("those whose time is over go first")
    func expiredGo() {
        let table = table(limit: 100)
        for number in 0..<60 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
        }
        for number in 100..<130 as Range<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(101))
        }
        #expect(table.count == 30)
    }

    @Test(
        "an open tunnel keeps a session from time and limit; the clock starts when the last closes")
    func hold() {
        let table = table(limit: 10)
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(0))
        #expect(table.hold(key(1), now: 0))
        #expect(table.hold(key(1), now: 0))
        for number in 100..<200 as Range<UInt32> {
            _ = table.bind(key(number), to: 8, replacing: nil, at: at(10_000))
        }
        #expect(table.backend(of: key(1), at: at(10_000)) == 7)
        table.release(key(1), at: at(20_000))
        #expect(table.backend(of: key(1), at: at(30_000)) == 7)
        table.release(key(1), at: at(40_000))
        #expect(table.backend(of: key(1), at: at(40_100)) == 7)
        #expect(table.backend(of: key(1), at: at(40_201)) == nil)
        #expect(!table.hold(key(1), now: 40_201))
        #expect(!table.hold(key(2), now: 0))
    }

    @Test("when all are held, a new client is served and not remembered")
    func allHeld() {
        let table = table(limit: 2)
        for number in 1...2 as ClosedRange<UInt32> {
            _ = table.bind(key(number), to: 7, replacing: nil, at: at(0))
            #expect(table.hold(key(number), now: 0))
        }
        #expect(table.bind(key(3), to: 8, replacing: nil, at: at(0)) == 8)
        #expect(table.backend(of: key(3), at: at(0)) == nil)
        #expect(table.count == 2)
        table.release(key(1), at: at(0))
        _ = table.bind(key(3), to: 8, replacing: nil, at: at(0))
        #expect(table.backend(of: key(3), at: at(0)) == 8)
        #expect(table.backend(of: key(1), at: at(0)) == nil)
    }

    @Test("a release too many does no harm")
    func releaseTwice() {
        let table = table()
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(0))
        table.release(key(1), at: at(0))
        table.release(key(2), at: at(0))
        #expect(table.backend(of: key(1), at: at(50)) == 7)
    }

    @Test("a listing shows the live sessions and the time they have left")
    func listing() {
        let table = table()
        _ = table.bind(key(1), to: 7, replacing: nil, at: at(0, timeout: 10))
        _ = table.bind(key(2), to: 8, replacing: nil, at: at(0, timeout: 100))
        let sessions = table.sessions(inShard: 0, now: 30)
        #expect(sessions == [Session(key: key(2), backend: 8, secondsLeft: 70, holds: 0)])
        #expect(table.hold(key(2), now: 30))
        #expect(table.sessions(inShard: 0, now: 1000).map(\.secondsLeft) == [100])
    }

    @Test("a large table has many shards, so that workers do not wait for each other")
    func shards() {
        #expect(table(limit: 1_000_000).shardCount >= 64)
    }

    @Test("a random course of events agrees with a plain model")
    func model() {
        let table = table(limit: 50)
        var model: [(key: UInt32, backend: UInt64)] = []  // The oldest first.
        var generator = SplitMix64(seed: 21)
        for step in 0..<20_000 as Range<UInt64> {
            let number = UInt32(generator.next() % 80)
            let position = model.firstIndex { $0.key == number }
            if generator.next().isMultiple(of: 2) {
                let found = table.backend(of: key(number), at: at(0))
                #expect(found == position.map { model[$0].backend })
                if let position { model.append(model.remove(at: position)) }
            } else {
                let bound = table.bind(key(number), to: step, replacing: nil, at: at(0))
                #expect(bound == position.map { model[$0].backend } ?? step)
                if let position {
                    model.append(model.remove(at: position))
                } else {
                    if model.count == 50 { model.removeFirst() }
                    model.append((number, step))
                }
            }
        }
    }

    @Test("a long random course in a large shard loses no session that is held, and mixes none up")
    func longCourse() {
        let table = table(limit: 2_000)
        var bound: [UInt32: UInt64] = [:]
        var held: [UInt32: Int] = [:]
        var generator = SplitMix64(seed: 33)
        for step in 0..<60_000 as Range<UInt32> {
            let number = UInt32(generator.next() % 3_000)
            let time = at(step / 100, timeout: 200)
            switch generator.next() % 8 {
            case 0 where table.hold(key(number), now: time.now): held[number, default: 0] += 1
            case 1:
                guard let count = held[number] else { continue }
                table.release(key(number), at: time)
                held[number] = count == 1 ? nil : count - 1
            case 2:
                table.rebind(key(number), to: UInt64(step), at: time)
                bound[number] = UInt64(step)
            case 3...5:
                let known = table.backend(of: key(number), at: time)
                let answer = table.bind(
                    key(number), to: UInt64(step), replacing: nil, at: time)
                #expect(known == nil ? answer == UInt64(step) : answer == known)
                bound[number] = answer
            default:
                let found = table.backend(of: key(number), at: time)
                #expect(found == nil ? held[number] == nil : found == bound[number])
            }
        }
        #expect(table.count <= 2_000)
        let left = table.sessions(inShard: 0, now: 600)
        #expect(left.allSatisfy { $0.backend == bound[$0.key.address.v4Bits] })
        #expect(left.filter { $0.holds > 0 }.count == held.count)
        for (number, count) in held {
            for _ in 0..<count { table.release(key(number), at: at(600, timeout: 200)) }
        }
        #expect(table.sessions(inShard: 0, now: 900).isEmpty)
    }

    @Test("many workers at once agree on one backend for each client")
    func concurrent() async {
        let table = SessionTable(limit: 4000, seed: SessionTable.HashSeed(1, 2))
        let answers = await withTaskGroup(of: [UInt32: UInt64].self) { group in
            for worker in 0..<4 as Range<UInt64> {
                group.addTask { Self.work(as: worker, on: table) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(table.count == 2000)
        #expect(answers.count == 4)
        for answer in answers { #expect(answer == answers[0]) }
    }

    /// Binds 2000 clients to this worker, or learns whom they are bound to.
    private static func work(as worker: UInt64, on table: SessionTable) -> [UInt32: UInt64] {
        var bound: [UInt32: UInt64] = [:]
        for round in 0..<10_000 as Range<UInt32> {
            let client = round &* 7 % 2000
            let key = SessionKey(service: 1, address: IPAddress(v4: client))
            let time = IdleTime(now: round / 1000, timeout: 100)
            bound[client] = table.bind(key, to: worker, replacing: nil, at: time)
            if table.hold(key, now: time.now) { table.release(key, at: time) }
        }
        return bound
    }
}
