import StickyPolicy

/// Backends that a service has by host name: one for each address that the name stands for, which
/// changes while the process runs.
package struct NamedBackend: Sendable, Equatable {
    /// In lower case; with a dot at its end it is looked up as it stands.
    package var host: String
    package var port: UInt16
    /// As the file calls the backend; nil where it gives it no name.
    package var name: String?
    /// How many of the service's own backends stand before it.
    package var position: Int
    /// What holds for each of them. Its address means nothing.
    package var model: Backend

    package init(host: String, port: UInt16, position: Int = 0) {
        self.host = host
        self.port = port
        self.position = position
        model = Backend(
            endpoint: Endpoint(address: IPAddress(high: 0, low: 0), port: port), name: "")
        model.host = host
    }

    /// As the file writes its address.
    package var text: String { "\(host):\(port)" }

    /// What its backends are called depends on their addresses alone, not on the order of an
    /// answer: sessions stay with the addresses that stay.
    func backends(at addresses: [IPAddress]) -> [Backend] {
        addresses.map { address in
            var backend = model
            backend.endpoint.address = address
            switch name {
            case nil: backend.name = backend.endpoint.description
            case let name? where addresses.count == 1: backend.name = name
            case let name?: backend.name = "\(name)@\(address)"
            }
            return backend
        }
    }
}
