import Transport

/// The backend that a tunnel leads to, in words that outlive the configuration that opened it.
struct TunnelHome: Hashable {
    let service: String
    let address: SocketAddress
}
