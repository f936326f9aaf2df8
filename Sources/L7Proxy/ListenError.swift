import ProxyConfig
import StickyPolicy
import Transport

/// Why a listener could not be opened.
struct ListenError: Error, CustomStringConvertible {
    let address: ListenerAddress
    let reason: String
    var description: String { "cannot listen on \(address.text): \(reason)" }
}

extension ListenerAddress {
    var socketAddress: SocketAddress? {
        switch self {
        case .tcp(let endpoint):
            SocketAddress(
                high: endpoint.address.high, low: endpoint.address.low, port: endpoint.port)
        case .unix(let path): SocketAddress.unix(path)
        }
    }

}
