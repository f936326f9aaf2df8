import ArgumentParser
import Glibc

/// `l7proxy sessions`: the live session table of a running process.
struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Print the live session table, in the columns of ipvsadm -Lnc.",
        discussion: """
            Sessions by address, and learned ones, of which the client is a hash; those by cookie \
            are with the clients. Exits with 69 when the process cannot be reached, 77 when it \
            wants a token.
            """)

    @Option(help: "Only those of this service.")
    var service: String?

    @OptionGroup var place: AdminPlaceOptions

    func run() throws {
        var cursor = "0.0"
        // The heading waits for an answer: none stands above an error.
        var heading = SessionAnswers.heading
        while let next = try printPage(from: cursor, below: heading) {
            cursor = next
            heading = ""
        }
    }

    /// Answers where the next page begins; nil behind the last.
    private func printPage(from cursor: String, below heading: String) throws -> String? {
        var target = "/api/sessions?format=text&limit=\(SessionAnswers.countMax)&cursor=\(cursor)"
        if let service { target += "&service=\(PercentEncoding.encode(service))" }
        let page = String(decoding: try place.target.ask("GET", target), as: UTF8.self)
        var lines = page.split(separator: "\n")
        let next = lines.last.flatMap { $0.hasPrefix("next ") ? $0.dropFirst(5) : nil }
        if next != nil { lines.removeLast() }
        writeAll(heading + lines.map { $0 + "\n" }.joined(), to: STDOUT_FILENO)
        return next.map { String($0) }
    }
}
