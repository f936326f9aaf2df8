import ArgumentParser
import Glibc

/// `l7proxy backend`: tells a running process what becomes of a backend.
struct BackendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backend", abstract: "Drain a backend, take it out, or take it back.",
        discussion: """
            drain: it keeps its sessions and gets no new ones. down: it gets nothing. ready: it \
            is used again. The state holds until the routes file changes what it says of the \
            backend itself, or the process ends. Exits with 1 when no service has such a \
            backend, 69 when the process cannot be reached, 77 when it wants a token.
            """)

    enum State: String, ExpressibleByArgument, CaseIterable {
        case drain, ready, down
    }

    @Argument(help: "drain, ready or down.")
    var state: State

    @Argument(help: "The backend's name: its address, unless the file names it.")
    var name: String

    @Option(help: "Only in this service; else in all that have a backend of this name.")
    var service: String?

    @OptionGroup var place: AdminPlaceOptions

    func run() throws {
        var target = "/api/backends/\(PercentEncoding.encode(name))/\(state.rawValue)"
        if let service { target += "?service=\(PercentEncoding.encode(service))" }
        let answer = try place.target.ask("POST", target)
        writeAll(String(decoding: answer, as: UTF8.self) + "\n", to: STDOUT_FILENO)
    }
}
