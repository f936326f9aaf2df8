import Glibc
import Logging
import StickyPolicy
import Synchronization
import Transport

/// Looks up the host names of backends, again and again, off every loop: a look-up may take minutes
/// and cannot be ended. Failures leave the last good answer as it is.
final class NameResolver: Sendable {
    /// Blocks until there is an answer.
    typealias Lookup = @Sendable (String) -> Result<[IPAddress], HostLookup.Failure>

    /// 32: where name servers do not answer, as many threads sleep.
    private static let lookupsMax = 32

    private struct State {
        var answers: [String: HostAnswer] = [:]
        /// What was known to the process before.
        var inherited: [String: [IPAddress]] = [:]
        var interval = Duration.seconds(10)
        var underWay = 0
        var hasEnded = false
        var thread: Thread?
    }

    private let state = Mutex(State())
    private let bell: Bell
    private let lookup: Lookup
    private let log: Logger
    private let attemptCount = Atomic<UInt64>(0)
    private let failureCount = Atomic<UInt64>(0)
    private let changeCount = Atomic<UInt64>(0)
    private let listener = Mutex<@Sendable () -> Void>({})

    init(log: Logger, lookup: @escaping Lookup = NameResolver.system) throws(SystemError) {
        bell = try Bell()
        self.log = log
        self.lookup = lookup
    }

    /// As every program of this machine does.
    static let system: Lookup = { name in
        HostLookup.addresses(of: name).map { addresses in
            addresses.compactMap { address in
                guard let high = address.high, let low = address.low else { return nil }
                return IPAddress(high: high, low: low)
            }
        }
    }

    /// Looks names up once, for a command.
    ///
    /// - Parameter limit: what has no answer by then has none.
    static func answers(
        to names: Set<String>, atMost limit: Duration
    ) -> [String: [IPAddress]] {
        let log = StandardErrorLog.makeLogger(level: .warning)
        guard !names.isEmpty, let resolver = try? NameResolver(log: log), let bell = try? Bell()
        else { return [:] }
        resolver.tell { bell.ring() }
        resolver.look(up: names, every: .seconds(3_600))
        let end = MonotonicTime.now() + limit
        while !resolver.haveBeenTried(names), MonotonicTime.now() < end { bell.wait(until: end) }
        resolver.stop()
        return resolver.answers
    }

    /// Is called, on any thread, when there are other addresses or a name was tried first; the
    /// one before it no more, once this has returned.
    func tell(_ listener: @escaping @Sendable () -> Void) {
        self.listener.withLock { $0 = listener }
    }

    /// Looks these up from now on, and no others.
    func look(up names: Set<String>, every interval: Duration) {
        let now = MonotonicTime.now()
        let needsThread = state.withLock { state in
            state.interval = interval
            state.answers = state.answers.filter { names.contains($0.key) }
            for name in names where state.answers[name] == nil {
                var answer = HostAnswer(due: now)
                if let known = state.inherited[name] { answer.assume(known) }
                state.answers[name] = answer
            }
            return !names.isEmpty && state.thread == nil && !state.hasEnded
        }
        if needsThread { startScheduling() }
        bell.ring()
    }

    /// What the process before this one knew: it holds until there is something better.
    func inherit(_ answers: [String: [IPAddress]]) {
        state.withLock { $0.inherited = answers }
    }

    /// The addresses of every name that has some.
    var answers: [String: [IPAddress]] {
        state.withLock { $0.answers.compactMapValues(\.addresses) }
    }

    /// Whether all of these have been looked up, with whatever outcome.
    func haveBeenTried(_ names: Set<String>) -> Bool {
        state.withLock { state in
            names.allSatisfy { state.answers[$0]?.wasTried ?? false }
        }
    }

    var counts: (attempts: UInt64, failures: UInt64, changes: UInt64) {
        (
            attemptCount.load(ordering: .relaxed), failureCount.load(ordering: .relaxed),
            changeCount.load(ordering: .relaxed)
        )
    }

    /// Ends without a wait for look-ups that are under way: their threads end when they can.
    func stop() {
        let thread = state.withLock { state in
            state.hasEnded = true
            defer { state.thread = nil }
            return state.thread
        }
        bell.ring()
        thread?.join()
    }

    // MARK: - The thread that knows what is due

    private func startScheduling() {
        do throws(SystemError) {
            let thread = try startThread(name: "names") { self.schedule() }
            state.withLock { $0.thread = thread }
        } catch {
            log.error("host names are not looked up: \(error)")
        }
    }

    private func schedule() {
        while true {
            let now = MonotonicTime.now()
            guard let (due, next) = takeDue(at: now) else { return }
            for name in due { start(name) }
            bell.wait(until: next)
        }
    }

    /// The names to look up now, and when to ask again; nil when it is all over.
    private func takeDue(at now: MonotonicTime) -> (names: [String], next: MonotonicTime)? {
        state.withLock { state in
            guard !state.hasEnded else { return nil }
            // One that finds no thread is looked at when a look-up ends, which rings.
            let free = max(0, NameResolver.lookupsMax - state.underWay)
            let (names, next) = HostAnswer.due(at: now, among: state.answers, atMost: free)
            state.underWay += names.count
            for name in names { state.answers[name]?.isUnderWay = true }
            return (names, next)
        }
    }

    private func start(_ name: String) {
        do throws(SystemError) {
            try startThread(name: "lookup") { self.finish(name, self.lookup(name)) }.detach()
        } catch {
            finish(name, .failure(HostLookup.Failure("\(error)")))
        }
    }

    private func finish(_ name: String, _ result: Result<[IPAddress], HostLookup.Failure>) {
        let now = MonotonicTime.now()
        let news = state.withLock { state in
            state.underWay -= 1
            // Meanwhile it may have been dropped.
            guard !state.hasEnded, var answer = state.answers[name] else { return nil as News? }
            let wasTried = answer.wasTried
            let change = answer.take(result, at: now, every: state.interval)
            state.answers[name] = answer
            return News(change: change, addresses: answer.addresses, isFirst: !wasTried)
        }
        bell.ring()
        guard let news else { return }
        count(result)
        report(news, of: name)
        if news.change == .addresses || news.isFirst { listener.withLock { $0() } }
    }

    private func count(_ result: Result<[IPAddress], HostLookup.Failure>) {
        attemptCount.wrappingAdd(1, ordering: .relaxed)
        guard let found = try? result.get(), !found.isEmpty else {
            failureCount.wrappingAdd(1, ordering: .relaxed)
            return
        }
    }

    private struct News {
        let change: HostAnswer.Change
        let addresses: [IPAddress]?
        let isFirst: Bool
    }

    private func report(_ news: News, of name: String) {
        let addresses = (news.addresses ?? []).map(\.description).joined(separator: ", ")
        switch news.change {
        case .nothing: break
        case .addresses:
            changeCount.wrappingAdd(1, ordering: .relaxed)
            log.notice("host \(name) is at \(addresses)")
        case .recovered: log.notice("host \(name) can be looked up again")
        case .failed(let reason):
            let consequence =
                addresses.isEmpty ? "it has no backends until it can" : "it stays at \(addresses)"
            log.warning("host \(name) cannot be looked up (\(reason)): \(consequence)")
        }
    }
}
