import ArgumentParser

@main
struct L7ProxyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "l7proxy",
        abstract: "A sticky-session HTTP/1.1 and WebSocket reverse proxy for NodePorts.",
        version: "l7proxy \(ProgramVersion.text)",
        subcommands: [
            RunCommand.self, CheckCommand.self, RoutesCommand.self, ExplainCommand.self,
            DemoCommand.self, SessionsCommand.self, BackendCommand.self, UpgradeCommand.self,
        ])
}
