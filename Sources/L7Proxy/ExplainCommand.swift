import ArgumentParser
import Glibc
import Logging
import ProxyConfig
import StickyPolicy
import Transport

/// `l7proxy explain`: where a request would go, and why.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which route and backend a request gets, and why.",
        discussion: """
            By a routes file (--config), or by a running process with its sessions and the \
            health of its backends (--admin). Exits with 1 when the request comes to no backend, \
            78 when the routes file is bad, 69 when the process cannot be reached, 77 when it \
            wants a token.
            """)

    @Option(
        help: ArgumentHelp(
            "The routes file: a file, a directory of *.yaml files, or - for standard input.",
            valueName: "path"))
    var config: String?

    @Option(
        help: ArgumentHelp("The admin listener of a running process.", valueName: "address"))
    var admin: String?

    @Option(
        help: ArgumentHelp(
            "A file with its token; without it, the variable L7PROXY_ADMIN_TOKEN.",
            valueName: "path"))
    var tokenFile: String?

    @OptionGroup var reading: ReadingOptions

    @Option(help: "The address that is asked for, such as http://shop.example.com/cart.")
    var url: String

    @Option(help: ArgumentHelp("The address that the connection comes from.", valueName: "ip"))
    var client = "127.0.0.1"

    @Option(help: "A Cookie field; may be repeated.")
    var cookie: [String] = []

    @Option(help: ArgumentHelp("A request field; may be repeated.", valueName: "Name: value"))
    var header: [String] = []

    func validate() throws {
        guard (config == nil) != (admin == nil) else {
            throw ValidationError("give --config or --admin, and not both")
        }
        if let admin { try AdminTarget(text: admin, tokenFile: nil).validate() }
        guard IPAddress(client) != nil else {
            throw ValidationError("--client: \(client) is no IP address")
        }
        guard ExplainedRequest(url: url, fields: []) != nil else {
            throw ValidationError("--url: \(url) is no http or https URL")
        }
        for field in header where ExplainedRequest(url: url, fields: [field]) == nil {
            throw ValidationError("--header: \(field) is no field such as 'X-User: me'")
        }
    }

    func run() throws {
        if let config {
            try explain(by: config)
        } else if let admin {
            try ask(AdminTarget(text: admin, tokenFile: tokenFile))
        }
    }

    /// The process says the same as a file would.
    private func ask(_ target: AdminTarget) throws {
        var parameters = [("url", url), ("client", client), ("format", "text")]
        parameters += cookie.map { ("cookie", $0) } + header.map { ("header", $0) }
        let query = parameters.map { "\($0)=\(PercentEncoding.encode($1))" }
        let answer = try target.ask(
            "GET", "/api/explain?" + query.joined(separator: "&"), expecting: [200, 404])
        writeAll(String(decoding: answer.body, as: UTF8.self), to: STDOUT_FILENO)
        if answer.status != 200 { throw ExitCode(1) }
    }

    private func explain(by config: String) throws {
        guard let written = reading.read(config) else {
            throw ExitStatus.badConfiguration
        }
        let answers = NameResolver.answers(to: written.hostNames, atMost: .seconds(5))
        let configuration = written.resolved(with: answers)
        let fields = header + cookie.map { "Cookie: \($0)" }
        guard let peer = IPAddress(client), let request = ExplainedRequest(url: url, fields: fields)
        else { throw ValidationError("a --header or --cookie cannot be sent like this") }
        var report = ExplainReport(try snapshot(configuration), request, peer: peer)
        report.write()
        writeAll(report.text, to: STDOUT_FILENO)
        if !report.hasBackend { throw ExitCode(1) }
    }

    private func snapshot(_ configuration: Configuration) throws -> ConfigSnapshot {
        do throws(UnusableConfiguration) {
            let resources = RouteAffinity.Resources(
                authenticator: try CookieKeys.authenticator(for: configuration.cookieKeys),
                sessions: SessionTable(limit: 1024, seed: SessionTable.HashSeed(0, 0)),
                loads: BackendLoads())
            return try ConfigSnapshot(explaining: configuration, resources: resources)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitStatus.badConfiguration
        }
    }
}

extension ConfigSnapshot {
    /// For questions about a file: every backend is in the state that it is written with.
    convenience init(
        explaining configuration: Configuration, resources: RouteAffinity.Resources
    ) throws(UnusableConfiguration) {
        let tls = try TLSContexts(
            configuration, ticketKeys: TLSTicketKeys(), at: WallClock.unixSeconds())
        self.init(
            configuration, resources: resources,
            health: HealthBoard(log: Logger(label: "explain")), tls: tls)
    }
}
