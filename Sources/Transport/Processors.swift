internal import CLinux
internal import Glibc

/// How many processors this process may really use.
package enum Processors {
    /// The affinity mask and the control group's quota, whichever is less; at least 1.
    ///
    /// A container with a quota sees all processors of its host in the mask. With a thread for
    /// each, the quota would be spent early in every period and all of them would stand still.
    package static func usableCount() -> Int {
        let masked = max(1, Int(clinux_affinity_count()))
        return min(masked, quotaCount() ?? masked)
    }

    private static func quotaCount() -> Int? {
        let group = readText("/proc/self/cgroup").flatMap(CPUQuota.groupPath) ?? "/"
        var counts = CPUQuota.ancestors(of: group).compactMap { path in
            readText("/sys/fs/cgroup\(path)cpu.max").flatMap(CPUQuota.count(ofMax:))
        }
        if let quota = readText("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
            let period = readText("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
            let count = CPUQuota.count(quota: quota, period: period)
        {
            counts.append(count)
        }
        return counts.min()
    }

    /// The file's first 4 KB; these files are far shorter.
    private static func readText(_ path: String) -> String? {
        // SAFETY: the string and, below, the array's memory are lent for the time of their calls.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// What the control group files say.
enum CPUQuota {
    /// The group of version 2 in `/proc/self/cgroup`: the line that begins with `0::`.
    static func groupPath(in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
    }

    /// A group's path and those of its parents, each ending in `/`: every one of them can have a
    /// quota.
    static func ancestors(of path: String) -> [String] {
        var paths = ["/"]
        for name in path.split(separator: "/") {
            paths.append(paths[paths.count - 1] + name + "/")
        }
        return paths
    }

    /// Version 2, `cpu.max`: quota and period in microseconds, or the word `max`.
    static func count(ofMax text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2 else { return nil }
        return count(quota: String(words[0]), period: String(words[1]))
    }

    /// Rounded up: a part of a processor is worth a thread. Nil when there is no quota.
    static func count(quota: String, period: String) -> Int? {
        guard let quota = number(quota), let period = number(period), quota > 0, period > 0
        else { return nil }
        return Int(clamping: quota / period + (quota % period == 0 ? 0 : 1))
    }

    private static func number(_ text: String) -> Int64? {
        text.split { $0 == " " || $0 == "\n" }.first.flatMap { Int64($0) }
    }
}
