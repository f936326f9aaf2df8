import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// The backend chosen for one exchange, and why.
///
/// An object and not a value: it is large, an idle client needs none, and the configuration that
/// made it uses it again for other exchanges.
final class Choice {
    /// That of the route, or of its canary where that serves the request.
    private(set) var affinity: RouteAffinity
    private(set) var retry: RetryRule
    private(set) var client: ClientFacts
    var selection: Selection
    private(set) var target: BackendTarget
    private(set) var pool: UpstreamPool
    /// Backends that could not be reached for this request.
    private(set) var tried = TriedBackends()
    /// The backend is to hear that this session lived elsewhere, and its head does not say so yet.
    var announcesMove = false
    /// The client's connection is TLS, by our own or a trusted peer's account.
    var isSecure = false
    /// When the backend was chosen.
    var chosenAt = MonotonicTime.distantFuture
    /// The backend counts this exchange among those that it has to do.
    private var isCounted = false
    private var isTunnel = false
    private var hold: SessionHold?

    init(
        _ plan: RoutePlan, from client: ClientFacts, at target: BackendTarget,
        _ selection: Selection
    ) {
        affinity = plan.affinity
        retry = plan.retry
        self.client = client
        self.selection = selection
        self.target = target
        pool = target.pool(for: selection, of: client)
        enter()
    }

    /// Begins anew, for another exchange. What is the same as before is not assigned: to count
    /// references to what other threads use, too, is dear.
    func begin(
        _ plan: RoutePlan, from client: ClientFacts, at target: BackendTarget,
        _ selection: Selection
    ) {
        if affinity !== plan.affinity { affinity = plan.affinity }
        retry = plan.retry
        self.client = client
        if tried.count > 0 { tried = TriedBackends() }
        announcesMove = false
        isSecure = false
        go(to: target, selection)
    }

    /// Position of the service that the backend is of.
    var service: Int { affinity.service }

    /// Writes the affinity cookie, if this response is to set one.
    func writeCookie(at unixSeconds: Int64, into writer: inout ByteWriter) {
        guard selection.setsCookie else { return }
        affinity.appendSetCookie(
            for: selection, isSecure: isSecure, at: unixSeconds, to: &writer)
    }

    /// The head of its answer has come.
    func answered(at now: MonotonicTime) {
        target.answered(since: chosenAt, at: now)
    }

    /// An open tunnel keeps its session however long it lasts.
    func openTunnel() {
        guard !isTunnel else { return }
        isTunnel = true
        target.load.tunnelOpened()
        hold = affinity.hold(selection, for: client)
    }

    /// The exchange, or the tunnel, is over: the session's idle time begins. To be called once.
    func end(monotonicSeconds: UInt32) {
        if isTunnel {
            hold?.release(monotonicSeconds: monotonicSeconds)
            hold = nil
            target.load.tunnelClosed()
            isTunnel = false
        }
        leave()
    }
}

// Where it leads.
extension Choice {
    /// The backend is not to be tried again for this request. False when no other may be.
    func noteTried() -> Bool {
        tried.insert(selection.backend)
        return !tried.isFull
    }

    /// Turns to another backend, after the one before was tried.
    func turn(to target: BackendTarget, _ selection: Selection) {
        announcesMove = selection.wasMoved && !self.selection.wasMoved
        go(to: target, selection)
    }

    /// The exchange is this backend's from here on, and no longer that of the one before.
    private func go(to target: BackendTarget, _ selection: Selection) {
        leave()
        self.selection = selection
        if self.target !== target { self.target = target }
        let pool = target.pool(for: selection, of: client)
        if self.pool !== pool { self.pool = pool }
        enter()
    }

    /// All of where it leads, to come back to.
    struct Course {
        fileprivate let target: BackendTarget
        fileprivate let selection: Selection
        fileprivate let tried: TriedBackends
        fileprivate let announcesMove: Bool
    }

    var course: Course {
        Course(target: target, selection: selection, tried: tried, announcesMove: announcesMove)
    }

    func comeBack(to course: Course) {
        tried = course.tried
        announcesMove = course.announcesMove
        go(to: course.target, course.selection)
    }

    private func enter() {
        target.load.enter()
        isCounted = true
    }

    private func leave() {
        guard isCounted else { return }
        isCounted = false
        target.load.leave()
    }
}
