import Glibc
import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// Host names of backends: they are looked up by `NameResolver`, and what it finds is taken into
/// use like a reload that changes these backends alone.
extension Server {
    /// 3 s: a name server answers within milliseconds, or it may take minutes.
    static let nameLimit = Duration.seconds(3)
    /// Names that change all the time cost a new snapshot once in so long, and no more.
    static let answerPause = Duration.seconds(1)
    /// Wakes the main thread: there are answers. Nobody else sends it, and unhandled it does
    /// nothing.
    static let answerSignal = SIGURG

    /// Looks up all names, and waits for the first answers before anybody is served.
    func resolveNames() {
        let hosts = written.hostNames
        guard !hosts.isEmpty else { return }
        // To this thread, which lives until nobody is told any more.
        let thread = pthread_self()
        names.tell { _ = pthread_kill(thread, Server.answerSignal) }
        defer { names.tell {} }
        names.look(up: hosts, every: written.resolverInterval)
        let end = MonotonicTime.now() + Server.nameLimit
        while !names.haveBeenTried(hosts) {
            let rest = end - .now()
            let awaited = [SIGTERM, SIGINT, Server.answerSignal]
            guard rest > .zero, let signal = Signals.wait(for: awaited, timeout: rest) else {
                return
            }
            guard signal != Server.answerSignal else { continue }
            // Nobody is served by what ends: `run` learns it from the same thread.
            raise(signal)
            return
        }
    }

    /// How long the main thread may sleep.
    func patience(atMost longest: Duration) -> Duration {
        let now = MonotonicTime.now()
        var patience = longest
        if let awaited {
            // Its answers are taken together with it.
            patience = min(patience, max(.zero, awaited.end - now))
        } else if hasUntakenAnswers {
            patience = min(patience, max(.zero, answersTakenAt + Server.answerPause - now))
        }
        return patience
    }

    /// Whether a configuration that was read waits for answers.
    var awaitsNames: Bool { awaited != nil }

    /// Takes what has become known of names, if anything has that matters.
    func takeAnswers() {
        let now = MonotonicTime.now()
        if let awaited {
            guard now >= awaited.end || names.haveBeenTried(awaited.hosts) else { return }
            self.awaited = nil
            return adopt(awaited.configuration)
        }
        let hasNames = !written.hostNames.isEmpty
        hasUntakenAnswers = hasNames && now < answersTakenAt + Server.answerPause
        guard hasNames, !hasUntakenAnswers else { return }
        let resolved = written.resolved(with: names.answers)
        guard resolved.services != running.services else { return }
        answersTakenAt = now
        takeIntoUse(resolved)
    }
}
