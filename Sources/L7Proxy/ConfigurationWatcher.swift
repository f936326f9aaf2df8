import Glibc
import Logging
import ProxyConfig
import Transport

/// Notices that the routes file has changed, and asks for a reload the way an operator does: with
/// SIGHUP, so that there is one path only. It runs on a thread of its own, and shares only which
/// versions were read.
struct ConfigurationWatcher: Sendable {
    private let path: String
    private let watched: WatchedFiles
    private let log: Logger

    /// A change is over when nothing happened for so long. An editor takes milliseconds between
    /// truncating a file and writing it, `kubectl` a little more.
    private static let quiet = Duration.milliseconds(150)
    /// Directories that never come to rest are looked at this often all the same.
    private static let patience = 20
    /// Makes up for a change between two watches.
    private static let longestWait = Duration.seconds(10)

    /// Begins to watch what `--config` names. A watcher that cannot be had is logged: SIGHUP works
    /// without it.
    ///
    /// - Parameter watched: is told of everything that is read.
    static func start(path: String, watched: WatchedFiles, log: Logger) {
        // Standard input cannot be read a second time.
        guard path != "-" else { return }
        let watcher = ConfigurationWatcher(path: path, watched: watched, log: log)
        do throws(SystemError) {
            _ = try startThread(name: "watcher") { watcher.run() }
        } catch {
            log.warning("changes of the routes file go unnoticed: \(error)")
        }
    }

    private func run() {
        // At once first: a file may have changed since it was read.
        var limit = Duration.zero
        while let known = watched.read, waitForChange(of: known, atMost: limit) {
            limit = ConfigurationWatcher.longestWait
            // Read anew: an operator's own reload may have come first.
            guard let known = watched.read, let found = versions(naming: known.namedPaths),
                found != known, !found.isIncomplete(since: known), watched.announce(found)
            else { continue }
            guard !found.isEmptied(since: known) else {
                log.warning("\(path) is not read: a file of it is empty; SIGHUP reads it as it is")
                continue
            }
            log.notice("\(found.changes(since: known, in: path)) changed")
            kill(getpid(), SIGHUP)
            // What is read now may name files elsewhere, which are not watched yet.
            limit = .seconds(1)
        }
    }

    /// Nil while a routes file is missing: it is being replaced.
    private func versions(naming paths: [String]) -> FileVersions? {
        do throws(ConfigurationFiles.Unreadable) {
            return FileVersions(try ConfigurationFiles.digest(of: path), naming: paths)
        } catch {
            return nil
        }
    }

    /// False when nothing can be watched.
    private func waitForChange(of known: FileVersions, atMost limit: Duration) -> Bool {
        do throws(SystemError) {
            // Made anew each time: a link may lead elsewhere now.
            let watch = try DirectoryWatch(directories(of: known))
            _ = watch.wait(atMost: limit)
            for _ in 0..<ConfigurationWatcher.patience
            where !watch.wait(atMost: ConfigurationWatcher.quiet) { break }
            return true
        } catch {
            log.warning("changes of \(path) go unnoticed: \(error)")
            return false
        }
    }

    /// Where a change of the files would show: their directory, and that of a link's target.
    private func directories(of known: FileVersions) -> [String] {
        let certificates = Set(known.namedPaths.map(ConfigurationWatcher.parent))
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
}
