import ProxyCore
import StickyPolicy

extension Backend {
    /// A backend that is called by its address.
    init(_ endpoint: Endpoint) {
        self.init(endpoint: endpoint, name: endpoint.description)
    }

    /// A NodePort: the same port on every node.
    static func onNodes(_ nodes: [IPAddress], port: UInt16) -> [Backend] {
        var seen: Set<IPAddress> = []
        return nodes.filter { seen.insert($0).inserted }.map {
            Backend(Endpoint(address: $0, port: port))
        }
    }
}

/// `externalTrafficPolicy: Local`: only nodes that run a pod answer.
enum LocalPolicy {
    static let note = """
        a node without a pod drops connections under 'Local'; without a health check they are \
        tried, and time out
        """
}
