import HTTPParser
import ProxyConfig
import ProxyCore

/// The names of a configuration as JSON strings, ready to be copied into lines.
struct AccessLogNames: Sendable {
    private let routes: [[UInt8]]
    private let services: [[UInt8]]
    /// By service.
    private let backends: [[[UInt8]]]

    init(_ configuration: Configuration) {
        routes = configuration.routes.map { AccessLogNames.quoted($0.name) }
        services = configuration.services.map { AccessLogNames.quoted($0.name) }
        backends = configuration.services.map { service in
            service.backends.map { AccessLogNames.quoted($0.name) }
        }
    }

    /// `null` for no name.
    static func quoted(_ name: String?) -> [UInt8] {
        guard let name else { return AccessLogNames.null }
        let bytes = Array(name.utf8)
        var writer = ByteWriter(capacity: bytes.count * 6 + 2)
        writer.append(UInt8(ascii: "\""))
        writer.append(json: bytes.span)
        writer.append(UInt8(ascii: "\""))
        return writer.copyBytes()
    }

    private static let null = Array("null".utf8)

    func route(_ place: ExchangeRecord.Place) -> [UInt8] {
        place.route.map { routes[$0] } ?? AccessLogNames.null
    }

    func service(_ place: ExchangeRecord.Place) -> [UInt8] {
        place.service.map { services[$0] } ?? AccessLogNames.null
    }

    func backend(_ place: ExchangeRecord.Place) -> [UInt8] {
        guard let service = place.service, let backend = place.backend else {
            return AccessLogNames.null
        }
        return backends[service][backend]
    }
}
