import ProxyConfig
import Synchronization

/// Which version of the routes file, and of the files that it names, was read last: what the
/// watcher compares with what is there now, so that it reads no configuration itself.
final class WatchedFiles: Sendable {
    private struct State {
        var read: FileVersions?
        /// A reload was asked for on account of these, and nothing has been read since.
        var announced: FileVersions?
    }

    private let state = Mutex(State())

    /// Nil before the first.
    var read: FileVersions? { state.withLock { $0.read } }

    func note(read versions: FileVersions) {
        state.withLock { $0.read = versions }
    }

    /// What was to be read was not there: the same contents are news once they are.
    func noteFailure() {
        state.withLock { $0.announced = nil }
    }

    /// False when these have been announced already.
    func announce(_ versions: FileVersions) -> Bool {
        state.withLock { state in
            guard state.announced != versions else { return false }
            state.announced = versions
            return true
        }
    }
}

/// One version of all files that a configuration comes from. Their contents are not kept: the text
/// of thousands of routes would stand in memory for a comparison.
struct FileVersions: Equatable {
    /// Of the routes files' contents.
    var digest: ContentDigest
    /// Certificates, keys and tokens.
    var namedPaths: [String]
    /// Of each of them; nil for one that is not there.
    var stamps: [ConfigurationFiles.Stamp?]

    init(_ digest: ContentDigest, naming paths: [String]) {
        self.digest = digest
        namedPaths = paths
        stamps = paths.map(ConfigurationFiles.stamp)
    }

    /// Something that was there is missing: it is being replaced.
    func isIncomplete(since known: FileVersions) -> Bool {
        zip(stamps, known.stamps).contains { $0 == nil && $1 != nil }
    }

    /// A routes file is empty that was not, or was not there: a redirection empties the file before
    /// the command that is to fill it has said anything, and leaves it so if that fails.
    func isEmptied(since known: FileVersions) -> Bool {
        digest.emptyCount > known.digest.emptyCount
    }

    /// `routes.yaml has`, or the certificates and keys: `a.crt, a.key have`.
    func changes(since known: FileVersions, in path: String) -> String {
        guard digest == known.digest, stamps.count == known.stamps.count else {
            return "\(path) has"
        }
        let changed = stamps.indices.filter { stamps[$0] != known.stamps[$0] }
        // A list that fits a line: a renewal may touch thousands at once.
        var names = changed.prefix(4).map { namedPaths[$0] }.joined(separator: ", ")
        if changed.count > 4 { names += " and \(changed.count - 4) others" }
        return names + (changed.count == 1 ? " has" : " have")
    }
}
