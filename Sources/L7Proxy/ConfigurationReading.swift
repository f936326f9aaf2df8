import ProxyConfig

/// How a routes file is read by a command.
struct ConfigurationReading {
    /// What `--config` names.
    let path: String
    let ingressClasses: [String]
    let isStrict: Bool
    /// Where it is said what was found: standard error.
    var report: (String) -> Void = { StandardErrorLog.write($0) }
    /// It was not read before.
    var isFirst = true
    /// Is told which versions were read.
    var watched: WatchedFiles?

    /// Reads and checks the files, and reports what was found.
    ///
    /// - Returns: nil when there is an error.
    func read() -> Configuration? {
        let files: [SourceFile]
        do throws(ConfigurationFiles.Unreadable) {
            files = try ConfigurationFiles.read(path, isFirst: isFirst)
        } catch {
            report("error: \(error)\n")
            watched?.noteFailure()
            return nil
        }
        var loader = LoaderOptions(ingressClasses: ingressClasses, isStrict: isStrict)
        loader.patternFault = { RegularExpression.fault(in: $0) }
        loader.pathFault = { ConfigurationFiles.fault(ofFile: $0) }
        let result = ConfigurationLoader.load(files, options: loader)
        // Before anything that they name is read: what changes from now on is news.
        watched?.note(read: FileVersions(ContentDigest(files), naming: result.namedPaths))
        if !result.diagnostics.isEmpty {
            report(result.diagnostics.map { $0.rendered + "\n" }.joined())
        }
        return result.configuration
    }
}

extension ReadingOptions {
    /// Nil when there is an error, which is on standard error then.
    func read(_ path: String) -> Configuration? { reading(path).read() }

    func reading(_ path: String) -> ConfigurationReading {
        ConfigurationReading(path: path, ingressClasses: ingressClass, isStrict: strict)
    }
}

extension ConfigurationOptions {
    /// Nil when there is an error, which is on standard error then.
    func read() -> Configuration? { reading.read(config) }
}
