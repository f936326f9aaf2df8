import ProxyCore
import StickyPolicy
import Synchronization

/// The states that operators want backends in: what the file says, until somebody says otherwise
/// while the process runs.
///
/// What was said holds through every reload, up to the one that changes what the file itself says
/// of that backend, or removes it. An address that an answer to a host name leaves out is not
/// removed: it may be back with the next.
final class AdministrativeStates: Sendable {
    private struct Key: Hashable {
        let service: String
        let backend: String
    }

    private let known = Mutex<[Key: AdministrativeState]>([:])

    /// The states of a configuration, by service and backend. Those of backends that are gone are
    /// forgotten, unless an operator has spoken of one that a host name may bring back.
    func states(for services: [Service]) -> [[AdministrativeState]] {
        known.withLock { known in
            let before = known
            let named = Set(services.lazy.filter { !$0.named.isEmpty }.map(\.name))
            let spokenOf = before.filter { key, state in
                named.contains(key.service) && state.current != state.configured
            }
            known = [:]
            defer { known.merge(spokenOf) { present, _ in present } }
            return services.map { service in
                service.backends.map { backend in
                    let key = Key(service: service.name, backend: backend.name)
                    let kept = before[key].flatMap { $0.configured == backend.state ? $0 : nil }
                    let state = known[key] ?? kept ?? AdministrativeState(backend.state)
                    known[key] = state
                    return state
                }
            }
        }
    }

    /// Puts a backend into a state, in all services that have one of this name, or in one.
    ///
    /// - Returns: the services where it was found, sorted.
    func set(
        _ state: BackendState, ofBackend backend: String, inService service: String?
    ) -> [String] {
        known.withLock { known in
            let found = known.filter { key, _ in
                key.backend == backend && (service == nil || service == key.service)
            }
            for value in found.values { value.set(state) }
            return found.keys.map(\.service).sorted()
        }
    }
}

/// The state that the operator wants one backend of one service in.
final class AdministrativeState: Sendable {
    /// What the file says.
    let configured: BackendState
    private let word: Atomic<UInt8>

    fileprivate init(_ configured: BackendState) {
        self.configured = configured
        word = Atomic(configured.rawValue)
    }

    var current: BackendState {
        BackendState(rawValue: word.load(ordering: .relaxed)) ?? configured
    }

    /// What was said to the process before holds as through a reload: unless the file says
    /// something else now.
    func inherit(_ known: KnownBackend) {
        if known.configured == configured { set(known.wanted) }
    }

    fileprivate func set(_ state: BackendState) {
        word.store(state.rawValue, ordering: .relaxed)
    }
}
