import ArgumentParser

@main
struct L7ProxyCommand: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "l7proxy",
        abstract: "A sticky-session HTTP/1.1 and WebSocket reverse proxy for NodePorts.",
        version: "l7proxy \(version)",
        subcommands: [
            RunCommand.self, CheckCommand.self, RoutesCommand.self, ExplainCommand.self,
            DemoCommand.self,
        ])
}
