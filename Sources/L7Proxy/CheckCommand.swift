import ArgumentParser
import ProxyConfig

/// `l7proxy check`: say everything that is wrong with a routes file.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the routes file; every error and warning with file:line:column.")

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        guard let configuration = options.read() else { throw ExitStatus.badConfiguration }
        do throws(CookieKeys.Unusable) {
            _ = try CookieKeys.authenticator(for: configuration.cookieKeys)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitStatus.badConfiguration
        }
    }
}
