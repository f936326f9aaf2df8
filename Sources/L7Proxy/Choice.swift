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
        _ affinity: RouteAffinity, _ retry: RetryRule, from client: ClientFacts, at aim: Aim
    ) {
        self.affinity = affinity
        self.retry = retry
        self.client = client
        selection = aim.selection
        target = aim.target
        pool = aim.target.pool(for: aim.selection, of: client)
        enter()
    }

    /// Begins anew, for another exchange. What is the same as before is not assigned: to count
    /// references to what other threads use, too, is dear.
    func begin(
        _ affinity: RouteAffinity, _ retry: RetryRule, from client: ClientFacts, at aim: Aim
    ) {
        if self.affinity !== affinity { self.affinity = affinity }
        self.retry = retry
        self.client = client
        if tried.count > 0 { tried = TriedBackends() }
        announcesMove = false
        isSecure = false
        take(aim)
    }

    /// Position of the service that the backend is of.
    var service: Int { affinity.service }

    /// Writes the affinity cookie, if this response is to set one.
    func writeCookie(at unixSeconds: Int64, into writer: inout ByteWriter) {
        guard selection.setsCookie else { return }
        affinity.appendSetCookie(
            for: selection, isSecure: isSecure, at: unixSeconds, to: &writer)
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
    /// A backend, and why it.
    struct Aim {
        let target: BackendTarget
        let selection: Selection
    }

    /// The exchange is this backend's from here on, and no longer that of the one before.
    private func take(_ aim: Aim) {
        leave()
        selection = aim.selection
        if target !== aim.target { target = aim.target }
        let pool = aim.target.pool(for: selection, of: client)
        if self.pool !== pool { self.pool = pool }
        enter()
    }

    /// The backend is not to be tried again for this request. False when no other may be.
    func noteTried() -> Bool {
        tried.insert(selection.backend)
        return !tried.isFull
    }

    /// Turns to another backend, after the one before was tried.
    func turn(to aim: Aim) {
        announcesMove = aim.selection.wasMoved && !selection.wasMoved
        take(aim)
    }

    /// All of where it leads, to come back to.
    struct Course {
        fileprivate let aim: Aim
        fileprivate let tried: TriedBackends
        fileprivate let announcesMove: Bool
    }

    var course: Course {
        Course(
            aim: Aim(target: target, selection: selection), tried: tried,
            announcesMove: announcesMove)
    }

    func comeBack(to course: Course) {
        tried = course.tried
        announcesMove = course.announcesMove
        take(course.aim)
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
