import Glibc
import ProxyConfig
import StickyPolicy
import Transport

/// The admin listener of a running process, as a command names it.
struct AdminTarget {
    let text: String
    let tokenFile: String?

    var socketAddress: SocketAddress? { ListenerAddress(text: text)?.socketAddress }

    /// For the Host field.
    var host: String {
        guard case .tcp(let endpoint) = ListenerAddress(text: text) else { return "localhost" }
        return endpoint.description
    }

    func token() throws(AdminFailure) -> String? {
        if let bytes = try AdminToken.read(tokenFile) {
            return String(decoding: bytes, as: UTF8.self)
        }
        // SAFETY: the environment is not written to after the start.
        return unsafe getenv("L7PROXY_ADMIN_TOKEN").map { unsafe String(cString: $0) }
    }
}
