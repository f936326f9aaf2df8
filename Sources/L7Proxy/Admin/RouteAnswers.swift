import ProxyConfig
import ProxyCore
import StickyPolicy

/// Questions about the routes of the running configuration.
enum RouteAnswers {
    /// 1,000: a page of some 300 KB.
    static let countMax = 1_000

    /// One page: `limit` routes from the position `offset` on.
    static func list(_ snapshot: ConfigSnapshot, _ request: AdminRequest) -> AdminResponse {
        let limit = request.value("limit").map { Int($0) } ?? countMax
        let offset = request.value("offset").map { Int($0) } ?? 0
        guard let limit, let offset, (1...countMax).contains(limit), offset >= 0 else {
            return AdminResponse(
                status: 400, "limit is a number from 1 to \(countMax), offset one from 0 on")
        }
        let configuration = snapshot.configuration
        let page = configuration.routes.dropFirst(offset).prefix(limit)
        var text = JSONText()
        text.object { text in
            text.member("count", configuration.routes.count)
            text.key("routes")
            text.array(page) { text, route in
                text.object { write(route, of: configuration, to: &$0) }
            }
            text.key("defaultService")
            if let service = configuration.defaultService {
                text.value(configuration.services[service].name)
            } else {
                text.null()
            }
        }
        return AdminResponse(.json, text.bytes)
    }

    private static func write(
        _ route: Route, of configuration: Configuration, to text: inout JSONText
    ) {
        text.member("name", route.name)
        text.member("host", route.host.text)
        text.member("path", route.path)
        text.member("pathType", route.pathType.rawValue)
        text.member("service", configuration.services[route.service].name)
        text.member("affinity", RoutesTable.affinity(route.affinity))
        text.key("canary")
        if let canary = route.canary {
            text.value(configuration.services[canary.service].name)
        } else {
            text.null()
        }
        text.member("origin", route.origin.text)
    }
}
