import StickyPolicy
import Synchronization
import Transport

@testable import L7Proxy

/// What host names stand for, as a test says.
final class HostsInMemory: Sendable {
    private let known = Mutex<[String: [UInt8]]>([:])
    private let gate: Gate?

    /// - Parameter gate: no answer comes before it is open.
    init(behind gate: Gate? = nil) {
        self.gate = gate
    }

    /// - Parameter hosts: last bytes of 127.0.0.1 and so on.
    func set(_ name: String, to hosts: UInt8...) {
        known.withLock { $0[name] = hosts }
    }

    func remove(_ name: String) {
        known.withLock { $0[name] = nil }
    }

    var lookup: NameResolver.Lookup {
        { name in
            try? self.gate?.wait()
            guard let hosts = self.known.withLock({ $0[name] }) else {
                return .failure(HostLookup.Failure("no such host"))
            }
            return .success(hosts.map { IPAddress(v4: 0x7F00_0000 | UInt32($0)) })
        }
    }
}
