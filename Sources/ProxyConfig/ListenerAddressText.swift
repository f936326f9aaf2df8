import StickyPolicy

/// Where to listen, as people write it.
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
}
