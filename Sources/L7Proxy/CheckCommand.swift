import ArgumentParser
import ProxyConfig
import Transport

/// `l7proxy check`: say everything that is wrong with a routes file.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the routes file; every error and warning with file:line:column.",
        discussion: """
            Says nothing of a file that is good. Exits with 78 when there is an error, or with \
            --strict a warning.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        guard let configuration = options.read() else { throw ExitStatus.badConfiguration }
        do throws(AdminFailure) {
            _ = try AdminToken.read(configuration.admin.tokenFile)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitStatus.badConfiguration
        }
        do throws(UnusableConfiguration) {
            _ = try CookieKeys.authenticator(for: configuration.cookieKeys)
            let tls = try TLSContexts(
                configuration, ticketKeys: TLSTicketKeys(), at: WallClock.unixSeconds())
            for warning in tls.warnings { StandardErrorLog.write("warning: \(warning)\n") }
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitStatus.badConfiguration
        }
    }
}
