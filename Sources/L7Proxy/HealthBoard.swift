import Logging
import ProxyCore
import StickyPolicy
import Synchronization
import Transport

/// What all threads know of the health of all backends.
///
/// Workers report how requests fared, the prober what its checks found. Every backend is one atomic
/// word; the lock guards only who has which word, which a reload changes and nothing else reads. A
/// backend that a reload keeps, with its checks, keeps its word.
final class HealthBoard: Sendable {
    private struct Key: Hashable {
        let endpoint: Endpoint
        let checks: [HealthCheck?]
        /// A service with TLS may find a backend unfit that another finds well.
        let service: String?
        /// What its checks ask for: behind one address may be the sites of several names.
        let host: String?

        init(_ backend: Backend, of service: Service) {
            endpoint = backend.endpoint
            checks = [service.healthCheck, service.nodeCheck]
            self.service = service.tls == nil ? nil : service.name
            let asksByName =
                service.healthCheck.map { $0.question != .connect && $0.host == nil } ?? false
            host = asksByName ? backend.host : nil
        }
    }

    private let log: Logger
    /// Moves with every change that workers must see: they compare it once a request.
    private let version = Atomic<UInt64>(1)
    /// Backends with a failure to their name, at least: while there is none, a request that went
    /// well has nothing to look up.
    private let troubledCount = Atomic<Int>(0)
    private let cells = Mutex<[Key: HealthCell]>([:])
    /// Of backends that are gone and have not answered everything: they may be back before that.
    private let leaving = Mutex<[Key: BoundedCount]>([:])
    private let queues = Mutex<[String: BoundedCount]>([:])
    private let administrative = AdministrativeStates()
    private let watchers = Mutex<[@Sendable () -> Void]>([])
    /// What the process before knew, until the first configuration is taken.
    private let inherited = Mutex<[KnownBackend]>([])
    private let doubts = Mutex<[String: ServiceStates.Doubt]>([:])

    init(log: Logger) {
        self.log = log
    }

    /// The words of all backends, by service. Those of backends that are gone are forgotten.
    func services(for configured: [Service]) -> [ServiceHealth] {
        let states = administrative.states(for: configured)
        let services = cells.withLock { cells in
            let before = cells
            cells = [:]
            let services = zip(configured, states).map { service, states in
                let members = service.backends.map { backend in
                    let key = Key(backend, of: service)
                    let cell =
                        cells[key] ?? before[key]
                        ?? HealthCell(backend, of: service, load: load(ofReturned: key))
                    cells[key] = cell
                    return cell
                }
                return ServiceHealth(
                    service, cells: members, administrative: states,
                    waiting: waiting(for: service))
            }
            keepLoads(of: before.filter { cells[$0.key] == nil })
            return services
        }
        restore(services, configured)
        return services
    }

    /// What a backend still carries from before it was gone, or nothing.
    private func load(ofReturned key: Key) -> BoundedCount {
        leaving.withLock { $0.removeValue(forKey: key) } ?? BoundedCount()
    }

    private func keepLoads(of gone: [Key: HealthCell]) {
        leaving.withLock { leaving in
            leaving.merge(gone.mapValues(\.load)) { _, new in new }
            leaving = leaving.filter { $0.value.current > 0 }
        }
    }

    /// Goes on with what the process before knew, when the first configuration is taken.
    func inherit(_ backends: [KnownBackend]) {
        inherited.withLock { $0 = backends }
    }

    private func restore(_ services: [ServiceHealth], _ configured: [Service]) {
        let known = inherited.withLock { inherited in
            defer { inherited = [] }
            return Dictionary(grouping: inherited, by: \.service)
        }
        for (health, service) in zip(services, configured) {
            for known in known[service.name] ?? [] {
                guard let position = service.backends.firstIndex(where: { $0.name == known.name })
                else { continue }
                health.administrative[position].inherit(known)
                guard service.backends[position].endpoint.description == known.address else {
                    continue
                }
                health.cells[position].update {
                    $0.inherit(BackendHealth(rawValue: known.health), service)
                } then: {
                    count(from: $0, to: $1)
                }
            }
        }
    }

    /// Who waits through a reload is counted on.
    private func waiting(for service: Service) -> BoundedCount? {
        guard service.queue.length > 0 else { return nil }
        return queues.withLock { queues in
            let known = queues[service.name] ?? BoundedCount()
            queues[service.name] = known
            return known
        }
    }

    var currentVersion: UInt64 { version.load(ordering: .acquiring) }

    var hasTrouble: Bool { troubledCount.load(ordering: .relaxed) > 0 }

    /// Counts a backend that a change has put into trouble or out of it.
    private func count(from before: BackendHealth, to after: BackendHealth) {
        guard before.isSpotless != after.isSpotless else { return }
        troubledCount.wrappingAdd(before.isSpotless ? 1 : -1, ordering: .relaxed)
    }

    private func publish() {
        version.wrappingAdd(1, ordering: .releasing)
        for tell in watchers.withLock({ $0 }) { tell() }
    }

    /// Tells these workers of every change: a request would notice it, a tunnel does not.
    func tell(_ workers: [@Sendable () -> Void]) {
        watchers.withLock { $0 = workers }
    }

    /// Does what an operator says while the process runs.
    ///
    /// - Parameter service: nil for all that have a backend of this name.
    /// - Returns: the services where there is one.
    func set(
        _ state: BackendState, ofBackend backend: String, inService service: String?
    ) -> [String] {
        let found = administrative.set(state, ofBackend: backend, inService: service)
        if !found.isEmpty { publish() }
        for service in found {
            log.notice("backend \(backend) of \(service) is to be \(state), by an operator's word")
        }
        return found
    }

    // MARK: - Reports

    func requestFailed(
        _ cell: HealthCell, _ rule: PassiveHealth, at now: MonotonicTime,
        because reason: StaticString
    ) {
        let change = cell.update { health in
            health.requestFailed(at: now.milliseconds, rule)
        } then: {
            count(from: $0, to: $1)
        }
        guard change == .ejected else { return }
        publish()
        log.warning(
            """
            \(cell.title) is out for \(rule.failTimeout): \(rule.maxFails) requests failed in a \
            row, the last because \(reason)
            """)
    }

    func requestSucceeded(_ cell: HealthCell) {
        guard !cell.health.isSpotless else { return }
        let change = cell.update {
            $0.requestSucceeded()
        } then: {
            count(from: $0, to: $1)
        }
        guard change == .recovered else { return }
        publish()
        log.notice("\(cell.title) is back: it has answered a request")
    }

    func checkFound(
        _ state: BackendState, by checker: BackendHealth.Checker, on cell: HealthCell,
        because reason: String
    ) {
        let before = cell.health.found(by: checker)
        cell.update { $0.note(state, by: checker) }
        guard before != state else { return }
        publish()
        switch state {
        case .ready: log.notice("\(cell.title) is ready: \(reason)")
        case .drain: log.notice("\(cell.title) drains: \(reason)")
        case .down: log.warning("\(cell.title) is down: \(reason)")
        }
    }

    /// Says once that a service has too few healthy backends, and once that it has enough.
    func noteDoubt(_ doubt: ServiceStates.Doubt, about service: ServiceHealth) {
        let before = doubts.withLock { doubts in
            let before = doubts[service.name] ?? .nothing
            doubts[service.name] = doubt == .nothing ? nil : doubt
            return before
        }
        guard before != doubt else { return }
        switch doubt {
        case .nothing: log.notice("service \(service.name) has healthy backends again")
        case .ejections:
            log.error(
                """
                service \(service.name) panics: more than \(service.rule.panicThreshold)% of its \
                backends are out, so those that failed requests are used as well
                """)
        case .drains:
            log.error("service \(service.name) panics: draining backends take new clients")
        case .downs:
            log.error("service \(service.name) panics: every backend is down, so all are used")
        }
    }
}

/// One backend's health, shared by all threads.
final class HealthCell: Sendable {
    /// For the log: `backend 10.0.0.1:80 of shop`.
    let title: String
    /// Requests that it carries, where its number is bounded.
    let load: BoundedCount
    /// Checks of either kind that were made.
    private let passedCount = Atomic<UInt64>(0)
    private let failedCount = Atomic<UInt64>(0)
    private let word = Atomic<UInt64>(0)

    fileprivate init(_ backend: Backend, of service: Service, load: BoundedCount) {
        self.load = load
        title = "backend \(backend.name) of \(service.name)"
    }

    var health: BackendHealth { BackendHealth(rawValue: word.load(ordering: .relaxed)) }

    /// Counts a check; only the prober's thread does.
    func noteCheck(hasPassed: Bool) {
        if hasPassed {
            passedCount.wrappingAdd(1, ordering: .relaxed)
        } else {
            failedCount.wrappingAdd(1, ordering: .relaxed)
        }
    }

    var checks: (passed: UInt64, failed: UInt64) {
        (passedCount.load(ordering: .relaxed), failedCount.load(ordering: .relaxed))
    }

    /// Changes the word as if nobody else did.
    ///
    /// - Parameter then: is told what it was and what it became.
    @discardableResult
    func update<Result>(
        _ change: (inout BackendHealth) -> Result,
        then: (BackendHealth, BackendHealth) -> Void = { _, _ in }
    ) -> Result {
        var expected = word.load(ordering: .relaxed)
        while true {
            var health = BackendHealth(rawValue: expected)
            let result = change(&health)
            if health.rawValue == expected { return result }
            let (isExchanged, found) = word.compareExchange(
                expected: expected, desired: health.rawValue, ordering: .acquiringAndReleasing)
            if isExchanged {
                then(BackendHealth(rawValue: expected), health)
                return result
            }
            expected = found
        }
    }
}

/// The backends of one service as their health is judged.
struct ServiceHealth: Sendable {
    let name: String
    /// The states that the operator wants.
    let administrative: [AdministrativeState]
    let cells: [HealthCell]
    let rule: PassiveHealth
    /// Of each backend; 0 for no bound.
    let connectionsMax: [Int]
    let queue: QueueRule
    /// Requests that wait for one of the backends; nil where none may.
    let waiting: BoundedCount?

    fileprivate init(
        _ service: Service, cells: [HealthCell], administrative: [AdministrativeState],
        waiting: BoundedCount?
    ) {
        self.waiting = waiting
        self.administrative = administrative
        queue = service.queue
        connectionsMax = service.backends.map(\.maxConnections)
        name = service.name
        self.cells = cells
        var rule = service.passiveHealth
        // Whom nobody can replace is not taken out.
        if cells.count < 2 { rule.maxFails = 0 }
        self.rule = rule
    }

    /// The states that the operator wants now.
    var wanted: [BackendState] { administrative.map(\.current) }

    /// Neither an operator nor a check wants its clients to go elsewhere.
    func isKept(_ backend: Int) -> Bool {
        let health = cells[backend].health
        let found = [BackendHealth.Checker.application, .node].map { health.found(by: $0) }
        return administrative[backend].current == .ready && !found.contains(.drain)
    }

    /// The states that backends are used in, but for those on trial.
    var states: ServiceStates {
        ServiceStates(
            wanted: wanted, health: cells.map(\.health), panicThreshold: rule.panicThreshold)
    }
}

extension MonotonicTime {
    /// What `BackendHealth` counts in.
    var milliseconds: UInt64 { nanoseconds / 1_000_000 }
    /// What idle times are counted in.
    var seconds: UInt64 { nanoseconds / 1_000_000_000 }
}
