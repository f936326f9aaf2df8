package import StickyPolicy

/// One address of a service.
package struct Backend: Sendable, Equatable {
    package var endpoint: Endpoint
    /// What its cookies and logs call it; the address as text unless the file names it. Stable
    /// across restarts and independent of the order in the file.
    package var name: String
    /// The host name that its address was found by; nil where the file gives the address.
    package var host: String?
    /// Share of new clients; 0 takes none.
    package var weight: UInt32 = 1
    package var state = BackendState.ready
    /// Connections in use at one time, tunnels included; 0 for no bound.
    package var maxConnections = 0
    /// How long its sessions stay while it drains; zero for as long as they like.
    package var drainDeadline = Duration.zero

    package init(endpoint: Endpoint, name: String) {
        self.endpoint = endpoint
        self.name = name
    }
}
