import ProxyCore
package import StickyPolicy

/// Host names in the place of addresses. What they stand for is found out by the program; here it
/// comes in as a value.
extension Configuration {
    /// Names that are looked up at most: each is a question every few seconds.
    package static let hostNamesMax = 1_000

    /// Those that backends are called by, the first in the alphabet.
    package var hostNames: Set<String> {
        let all = Set(services.lazy.flatMap { $0.named.lazy.map(\.host) })
        guard all.count > Configuration.hostNamesMax else { return all }
        return Set(all.sorted().prefix(Configuration.hostNamesMax))
    }

    /// The same with the backends that the names stand for.
    ///
    /// - Parameter answers: the addresses of each name, in an order of their own.
    package func resolved(with answers: [String: [IPAddress]]) -> Configuration {
        guard services.contains(where: { !$0.named.isEmpty }) else { return self }
        var resolved = self
        for position in services.indices where !services[position].named.isEmpty {
            resolved.services[position].backends =
                services[position].backends { answers[$0] ?? [] }
        }
        return resolved
    }
}

/// A host name that a backend is called by.
enum HostName {
    /// `app.internal:8080`; nil for anything else, as for an address that is mistyped.
    static func parse(_ text: String) -> (host: String, port: UInt16)? {
        guard let (host, digits) = EndpointText.split(text), let port = UInt16(digits), port > 0,
            let host = parse(host: host)
        else { return nil }
        return (host, port)
    }

    /// In lower case; a dot at the end says that it is complete.
    static func parse(host text: String) -> String? {
        let host = text.lowercased()
        let labels = host.hasSuffix(".") ? host.dropLast() : host[...]
        guard RouteText.isName(String(labels)) else { return nil }
        // Of names the last label is never a number: `10.0.0.300` is a mistake.
        let last = labels.split(separator: ".").last ?? ""
        return last.allSatisfy(\.isNumber) ? nil : host
    }
}

extension Service {
    init(name: String, _ list: BackendList) {
        self.init(name: name, backends: list.backends)
        named = list.named
    }
}

/// Backends of both kinds, as a list gives them.
struct BackendList {
    var backends: [Backend] = []
    var named: [NamedBackend] = []

    /// The port of the first.
    var port: UInt16? {
        let name = named.first { $0.position == 0 }
        return name?.port ?? backends.first?.endpoint.port
    }
}
