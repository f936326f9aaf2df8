import ArgumentParser
import Glibc

/// The exit codes of the contract, as `sysexits.h` numbers them.
enum ExitStatus {
    static let unavailable = ExitCode(69)
    static let notPermitted = ExitCode(77)
    static let badConfiguration = ExitCode(78)
}

/// What every command that reads a routes file takes.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The routes file: a file, a directory of *.yaml files, or - for standard input.",
            valueName: "path"))
    var config: String

    @OptionGroup var reading: ReadingOptions
}

/// How a routes file is read, wherever it comes from.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An Ingress class to serve besides nginx and l7proxy; may be repeated.",
            valueName: "name"))
    var ingressClass: [String] = []

    @Flag(help: "Treat warnings as errors.")
    var strict = false
}
