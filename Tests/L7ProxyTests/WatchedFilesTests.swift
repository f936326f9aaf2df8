import ProxyConfig
import Testing

@testable import L7Proxy

/// When a changed file is worth a reload.
@Suite("Watched files")
struct WatchedFilesTests {
    private static func versions(
        _ text: String, naming paths: [String] = []
    ) -> FileVersions {
        FileVersions(ContentDigest([SourceFile(name: "a.yaml", text: text)]), naming: paths)
    }

    @Test("the same contents are announced once, and again when they could not be read")
    func announcing() {
        let watched = WatchedFiles()
        watched.note(read: WatchedFilesTests.versions("a"))
        let changed = WatchedFilesTests.versions("b")
        #expect(watched.announce(changed))
        #expect(!watched.announce(changed))
        watched.noteFailure()
        #expect(watched.announce(changed))
        #expect(watched.announce(WatchedFilesTests.versions("a")))
    }

    @Test("a byte that moves from one file to the next is a change")
    func digest() throws {
        let files = { (texts: [String]) in
            ContentDigest(texts.map { SourceFile(name: "x", text: $0) })
        }
        #expect(files(["ab", "c"]) != files(["a", "bc"]))
        #expect(files(["abc"]) != files(["abc", ""]))
        #expect(files(["abc"]) == files(["abc"]))
    }

    @Test("a file has the same digest in memory and on the disk, however long it is")
    func onDisk() throws {
        let directory = try LogDirectory()
        let path = directory.path + "/routes.yaml"
        let text = String(repeating: "routes: []  # long enough for several reads\n", count: 5_000)
        try directory.write(text, to: "routes.yaml")
        let files = try ConfigurationFiles.read(path)
        #expect(files.map(\.text) == [Array(text.utf8)])
        #expect(try ConfigurationFiles.digest(of: path) == ContentDigest(files))
        #expect(try ConfigurationFiles.digest(of: directory.path) == ContentDigest(files))
    }

    @Test("a pipe or a device in the place of a file is no version of it, and holds nobody up")
    func pipes() throws {
        let directory = try LogDirectory()
        try directory.makePipe()
        for path in ["/dev/null", directory.log] {
            #expect(throws: ConfigurationFiles.Unreadable.self) {
                try ConfigurationFiles.digest(of: path)
            }
            #expect(throws: ConfigurationFiles.Unreadable.self) {
                try ConfigurationFiles.read(path, isFirst: false)
            }
        }
        #expect(try ConfigurationFiles.read("/dev/null").map(\.text) == [[]])
    }

    @Test("a routes file that has become empty is told from one that was empty before")
    func emptied() {
        let versions = { (texts: [String]) in
            FileVersions(ContentDigest(texts.map { SourceFile(name: "x", text: $0) }), naming: [])
        }
        #expect(versions(["a", ""]).isEmptied(since: versions(["a", "b"])))
        #expect(versions(["a", "b", ""]).isEmptied(since: versions(["a", "b"])))
        #expect(!versions(["c", ""]).isEmptied(since: versions(["a", ""])))
        #expect(!versions(["a"]).isEmptied(since: versions(["a", ""])))
        #expect(!versions([""]).isEmptied(since: versions([""])))
    }

    @Test("a directory without a routes file is not read as a file without routes")
    func noFiles() throws {
        let directory = try LogDirectory()
        try directory.write("routes: []", to: "routes.yaml.old")
        #expect(throws: ConfigurationFiles.Unreadable.self) {
            try ConfigurationFiles.read(directory.path)
        }
        // The watcher would have it read again and again.
        #expect(throws: ConfigurationFiles.Unreadable.self) {
            try ConfigurationFiles.digest(of: directory.path)
        }
        try directory.write("routes: []", to: "routes.yml")
        #expect(try ConfigurationFiles.read(directory.path).count == 1)
    }

    @Test("a certificate that is missing for a moment is no change yet")
    func missing() throws {
        let directory = try LogDirectory()
        let path = directory.path + "/a.crt"
        let without = WatchedFilesTests.versions("a", naming: [path])
        try directory.write("certificate", to: "a.crt")
        let with = WatchedFilesTests.versions("a", naming: [path])
        #expect(without != with)
        #expect(without.isIncomplete(since: with) && !with.isIncomplete(since: without))
        #expect(!without.isIncomplete(since: without))
        #expect(with.changes(since: without, in: "routes.yaml") == path + " has")
    }
}
