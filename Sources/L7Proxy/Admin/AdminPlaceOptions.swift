import ArgumentParser

/// What every command takes that asks a running process.
struct AdminPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where the process's admin listener is.", valueName: "address"))
    var admin = "127.0.0.1:9901"

    @Option(
        help: ArgumentHelp(
            "A file with the token; without it, the variable L7PROXY_ADMIN_TOKEN.",
            valueName: "path"))
    var tokenFile: String?

    func validate() throws { try target.validate() }

    var target: AdminTarget { AdminTarget(text: admin, tokenFile: tokenFile) }
}

extension AdminTarget {
    /// Refuses what is no address to connect to.
    func validate() throws {
        guard socketAddress != nil else {
            throw ValidationError("--admin takes 127.0.0.1:9901 or unix:/path, not \(text).")
        }
    }
}
