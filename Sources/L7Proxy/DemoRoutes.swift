import ProxyConfig
import Transport

/// The routes file of the demonstration: three routes to the same three backends, one for each way
/// to remember a client.
enum DemoRoutes {
    /// - Parameter backends: in the order of their names.
    static func load(port: UInt16, backends: [SocketAddress]) -> Configuration {
        let file = SourceFile(name: "demo.yaml", text: text(port: port, backends: backends))
        let result = ConfigurationLoader.load([file])
        guard let configuration = result.configuration else {
            let errors = result.diagnostics.map(\.rendered).joined(separator: "\n")
            preconditionFailure("the demonstration's own routes are bad: \(errors)")
        }
        return configuration
    }

    /// One worker: with several, each takes its own turns among the backends, and what spreads
    /// clients looks like chance. The drain is short because a page with open WebSockets would
    /// otherwise hold up the end.
    static func text(port: UInt16, backends: [SocketAddress]) -> String {
        let list = zip(DemoBackends.names, backends).map { name, address in
            "      - {address: '\(address)', name: \(name)}\n"
        }
        return """
            listeners:
              - address: 127.0.0.1:\(port)
            workers: 1
            admin: off
            timeouts: {drain: 1s}
            services:
              demo:
                backends:
            \(list.joined())\
            routes:
              - path: /
                service: demo
                annotations: {affinity: cookie, session-cookie-name: \(DemoBackend.cookieName)}
              - path: /ip
                service: demo
                annotations: {affinity: client-ip}
              - path: /none
                service: demo
                annotations: {affinity: none}

            """
    }
}
