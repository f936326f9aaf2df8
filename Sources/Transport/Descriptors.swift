internal import Glibc

/// How many descriptors the process may have.
package enum Descriptors {
    /// Raises the limit as far as it goes without privilege.
    ///
    /// - Returns: The limit that holds now.
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        // The limits of our own process can be read always.
        guard unsafe getrlimit(resource, &limit) == 0 else { return 0 }
        let soft = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        guard unsafe setrlimit(resource, &limit) == 0 else { return Int(clamping: soft) }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many are open now.
    package static func openCount() -> Int {
        // SAFETY: the language lends the string for the length of the call; the directory is open
        // until the end of this function, and an entry is only tested for being there.
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe _ = closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // The directory itself, and its two links.
        return max(0, count - 3)
    }

    /// Sees to it that the numbers 0 to 2 are taken: a socket that got one that was closed would be
    /// written the log. To be called before anything is opened.
    package static func occupyStandardStreams() {
        var opened: Int32 = 0
        while (0...STDERR_FILENO).contains(opened) {
            // SAFETY: the language lends the string for the length of the call.
            opened = unsafe open("/dev/null", O_RDWR)
        }
        if opened > STDERR_FILENO { close(opened) }
    }
}
