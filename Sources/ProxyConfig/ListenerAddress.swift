package import StickyPolicy

package enum ListenerAddress: Sendable, Hashable {
    case tcp(Endpoint)
    case unix(path: String)
}

/// As people write it.
extension ListenerAddress {
    /// `0.0.0.0:8080`, `[::]:8080` or `unix:/path`; nil for anything else.
    package init?(text: String) {
        if text.hasPrefix("unix:/") {
            self = .unix(path: String(text.dropFirst(5)))
        } else if let endpoint = EndpointText.parse(text) {
            self = .tcp(endpoint)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .tcp(let endpoint): endpoint.description
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Only programs of this machine can connect: a path, 127.0.0.0/8 or ::1.
    package var isLocal: Bool {
        switch self {
        case .unix: true
        case .tcp(let endpoint):
            endpoint.address.isV4
                ? endpoint.address.v4Bits >> 24 == 127
                : endpoint.address.high == 0 && endpoint.address.low == 1
        }
    }
}
