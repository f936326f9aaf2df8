internal import Synchronization

/// The loads of all backends of a process, by service and backend, so that a reload forgets none.
public final class BackendLoads: Sendable {
    private struct Key: Hashable {
        var service: String
        var backend: String
    }

    private let known = Mutex<[Key: BackendLoad]>([:])

    public init() {}

    /// The load of a backend, made when it is asked for first.
    public func load(ofBackend backend: String, inService service: String) -> BackendLoad {
        known.withLock { known in
            let key = Key(service: service, backend: backend)
            if let load = known[key] { return load }
            let load = BackendLoad()
            known[key] = load
            return load
        }
    }

    /// The load of a backend that the configuration names; nil for any other.
    public func find(backend: String, inService service: String) -> BackendLoad? {
        known.withLock { $0[Key(service: service, backend: backend)] }
    }

    /// Forgets all backends but those of these services.
    public func keep(_ services: [ServiceProfile]) {
        known.withLock { known in
            var kept: [Key: BackendLoad] = [:]
            for service in services {
                for backend in service.backends {
                    let key = Key(service: service.name, backend: backend.name)
                    kept[key] = known[key]
                }
            }
            known = kept
        }
    }
}
