import ArgumentParser
import Glibc
import ProxyConfig
import ProxyCore
import StickyPolicy

/// `l7proxy routes`: what the routes file amounts to, as a table.
struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "Print the resolved routes: host, path, service, affinity and backends.",
        discussion: "Exits with 78 when the routes file is bad.")

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        guard let configuration = options.read() else { throw ExitStatus.badConfiguration }
        writeAll(RoutesTable(configuration).text, to: STDOUT_FILENO)
    }
}

/// The resolved routes as aligned columns.
struct RoutesTable {
    private static let heading = [
        "HOST", "PATH", "TYPE", "SERVICE", "AFFINITY", "BACKENDS", "FROM",
    ]
    private let rows: [[String]]

    init(_ configuration: Configuration) {
        var rows: [[String]] = []
        for route in configuration.routes {
            let service = configuration.services[route.service]
            rows.append([
                route.host.text, route.path, route.typeText, service.name,
                RoutesTable.affinity(route.affinity),
                RoutesTable.backends(of: service), route.origin.text,
            ])
            guard let canary = route.canary else { continue }
            rows.append(RoutesTable.row(canary, configuration.services[canary.service]))
        }
        if let position = configuration.defaultService {
            let service = configuration.services[position]
            rows.append([
                "(no route)", "", "", service.name,
                RoutesTable.affinity(configuration.defaultAffinity),
                RoutesTable.backends(of: service), "",
            ])
            if let canary = configuration.defaultCanary {
                rows.append(RoutesTable.row(canary, configuration.services[canary.service]))
            }
        }
        self.rows = rows
    }

    /// Below its route, whose place it shares.
    private static func row(_ canary: RouteCanary, _ service: Service) -> [String] {
        let settings = canary.settings
        var share = "canary \(settings.weight)/\(settings.weightTotal)"
        if let header = settings.header { share += ", by header \(header)" }
        if let cookie = settings.cookie { share += ", by cookie \(cookie)" }
        return [
            "", "", share, service.name, affinity(canary.affinity), backends(of: service), "",
        ]
    }

    var text: String {
        let table = [RoutesTable.heading] + rows
        let widths = RoutesTable.heading.indices.map { column in
            table.map { $0[column].count }.max() ?? 0
        }
        return table.map { RoutesTable.line($0, widths: widths) + "\n" }.joined()
    }

    private static func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (cell, width) in zip(cells, widths) {
            line += cell + String(repeating: " ", count: width - cell.count + 2)
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func backends(of service: Service) -> String {
        if service.backends.isEmpty, service.named.isEmpty { return "none: 503" }
        let names = service.named.map { named in
            let name = named.name.map { "\($0)=" } ?? ""
            let state = named.model.state == .ready ? "" : " (\(named.model.state))"
            return name + named.text + state
        }
        let addresses = service.backends.map { backend in
            let address = backend.endpoint.description
            let name = backend.name == address ? "" : "\(backend.name)="
            let state = backend.state == .ready ? "" : " (\(backend.state))"
            return name + address + state
        }
        return (addresses + names).joined(separator: ", ")
    }

    static func affinity(_ affinity: AffinitySettings) -> String {
        switch affinity.kind {
        case .cookie(let cookie): "cookie \(cookie.name) (\(cookie.mode))"
        case .clientIP(let settings): "client-ip \(settings.timeoutSeconds)s"
        case .hash(let hash): hash.text
        case .application(let cookie): cookie.text
        case .none: "none"
        }
    }
}

extension HashSettings {
    fileprivate var text: String {
        switch key {
        case .field(let name): "header \(name)"
        case .expression: subsetSize == nil ? "hash" : "hash (subset)"
        }
    }
}

extension ApplicationCookieSettings {
    fileprivate var text: String {
        switch mode {
        case .learn(let timeout): "learn \(cookieName) \(timeout)s"
        case .routeSuffix: "route-suffix \(cookieName)"
        }
    }
}

extension Route {
    /// How its path is meant.
    var typeText: String { isPattern ? "Pattern" : pathType.rawValue }
}
