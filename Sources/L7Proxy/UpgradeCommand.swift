import ArgumentParser
import Glibc
import Transport

/// `l7proxy upgrade`: has the running process start its program anew, and waits for the outcome.
struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Replace the running process by the program that is installed now.",
        discussion: """
            Sends USR2 to the process in the file that run --pid-file writes, and waits until \
            another one serves on the same sockets. If that one does not start, the old one goes \
            on, and the exit status is 69.
            """)

    @Option(help: ArgumentHelp("What run --pid-file wrote.", valueName: "path"))
    var pidFile: String

    /// The process gives a successor 60 s; a little more, so that its word comes first.
    private static let patience = Duration.seconds(65)

    func run() throws {
        let file = PIDFile(path: pidFile)
        let before = ConfigurationFiles.stamp(of: pidFile)
        if let fault = ConfigurationFiles.fault(ofFile: pidFile) {
            StandardErrorLog.write("error: \(fault)\n")
            throw ExitStatus.unavailable
        }
        guard let process = file.process, kill(process, SIGUSR2) == 0 else {
            StandardErrorLog.write("error: no process runs that \(pidFile) names\n")
            throw ExitStatus.unavailable
        }
        let end = MonotonicTime.now() + UpgradeCommand.patience
        while MonotonicTime.now() < end {
            usleep(20_000)
            guard let now = file.process, ConfigurationFiles.stamp(of: pidFile) != before
            else { continue }
            guard now != process else { break }
            StandardErrorLog.write("process \(now) has taken over from \(process)\n")
            return
        }
        StandardErrorLog.write("error: process \(process) goes on; its log says why\n")
        throw ExitStatus.unavailable
    }
}
