import Glibc
import Logging
import ProxyConfig
import Transport

/// Notices that the routes file has changed, and asks for a reload the way an operator does: with
/// SIGHUP, so that there is one path only. It runs on a thread of its own and shares nothing.
struct ConfigurationWatcher: Sendable {
    private let path: String
    /// The certificates and keys that the files name at the start.
    private let firstNamedPaths: [String]
    private let log: Logger

    /// A change is over when nothing happened for so long. An editor takes milliseconds between
    /// truncating a file and writing it, `kubectl` a little more.
    private static let quiet = Duration.milliseconds(150)
    /// Directories that never come to rest are looked at this often all the same.
    private static let patience = 20

    /// Begins to watch what `--config` names. A watcher that cannot be had is logged: SIGHUP works
    /// without it.
    ///
    /// - Parameter configuration: as it was read at the start. It is not read again before it
    ///   changes: with thousands of routes a second one beside the first is the peak of memory.
    static func start(path: String, configuration: Configuration, log: Logger) {
        // Standard input cannot be read a second time.
        guard path != "-" else { return }
        let watcher = ConfigurationWatcher(
            path: path, firstNamedPaths: configuration.namedPaths, log: log)
        do throws(SystemError) {
            _ = try startThread(name: "watcher") { watcher.run() }
        } catch {
            log.warning("changes of the routes file go unnoticed: \(error)")
        }
    }

    private func run() {
        var known = contents(after: nil, naming: firstNamedPaths)
        while true {
            guard waitForChange(of: known) else { return }
            // A file that is missing for a moment is one that is being replaced.
            guard let found = contents(after: known), found != known else { continue }
            log.notice("\(found.changes(since: known, in: path)) changed")
            known = found
            kill(getpid(), SIGHUP)
        }
    }

    /// False when nothing can be watched.
    private func waitForChange(of known: Contents?) -> Bool {
        do throws(SystemError) {
            // Made anew each time: a link may lead elsewhere now.
            let watch = try DirectoryWatch(directories(of: known))
            // The longest wait makes up for a change between two watches.
            _ = watch.wait(atMost: .seconds(10))
            for _ in 0..<ConfigurationWatcher.patience
            where !watch.wait(atMost: ConfigurationWatcher.quiet) { break }
            return true
        } catch {
            log.warning("changes of \(path) go unnoticed: \(error)")
            return false
        }
    }

    /// Where a change of the files would show: their directory, and that of a link's target.
    private func directories(of known: Contents?) -> [String] {
        let certificates = Set((known?.namedPaths ?? []).map(ConfigurationWatcher.parent))
        return Set(ownDirectories()).union(certificates).sorted()
    }

    private func ownDirectories() -> [String] {
        if ConfigurationFiles.isDirectory(path) { return [path] }
        var directories = [ConfigurationWatcher.parent(of: path)]
        // SAFETY: `realpath` returns a string of its own, or nil; it is copied and freed.
        if let target = unsafe realpath(path, nil) {
            directories.append(ConfigurationWatcher.parent(of: unsafe String(cString: target)))
            unsafe free(target)
        }
        return directories
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The routes files, and which version of each certificate goes with them.
    private struct Contents: Equatable {
        var texts: [[UInt8]]
        var namedPaths: [String]
        var stamps: [ConfigurationFiles.Stamp]

        /// `routes.yaml has`, or the certificates and keys: `a.crt, a.key have`.
        func changes(since known: Contents?, in path: String) -> String {
            guard let known, texts == known.texts, stamps.count == known.stamps.count else {
                return "\(path) has"
            }
            let changed = stamps.indices.filter { stamps[$0] != known.stamps[$0] }
            // A list that fits a line: a renewal may touch thousands at once.
            var names = changed.prefix(4).map { namedPaths[$0] }.joined(separator: ", ")
            if changed.count > 4 { names += " and \(changed.count - 4) others" }
            return names + (changed.count == 1 ? " has" : " have")
        }
    }

    /// Nil while a file is missing.
    ///
    /// - Parameter paths: what the files name, where that is known.
    private func contents(after known: Contents?, naming paths: [String]? = nil) -> Contents? {
        do throws(ConfigurationFiles.Unreadable) {
            let files = try ConfigurationFiles.read(path)
            let texts = files.map(\.text)
            // The files are parsed only when they have changed.
            let isKnown = texts == known?.texts
            let paths =
                (isKnown ? known?.namedPaths : paths)
                ?? ConfigurationLoader.load(files).configuration?.namedPaths ?? []
            let stamps = paths.map(ConfigurationFiles.stamp)
            // At the start, and with new routes, a certificate may be missing: that is reported
            // by whoever loads it.
            if isKnown && stamps.contains(nil) { return nil }
            return Contents(texts: texts, namedPaths: paths, stamps: stamps.compactMap(\.self))
        } catch {
            return nil
        }
    }
}
