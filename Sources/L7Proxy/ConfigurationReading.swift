import ProxyConfig

/// How a routes file is read by a command.
struct ConfigurationReading {
    /// What `--config` names.
    let path: String
    let ingressClasses: [String]
    let isStrict: Bool

    /// Reads and checks the files, and writes what was found to standard error.
    ///
    /// - Returns: nil when there is an error.
    func read() -> Configuration? {
        let files: [SourceFile]
        do throws(ConfigurationFiles.Unreadable) {
            files = try ConfigurationFiles.read(path)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            return nil
        }
        var loader = LoaderOptions(ingressClasses: ingressClasses, isStrict: isStrict)
        loader.patternFault = { RegularExpression.fault(in: $0) }
        loader.pathFault = { ConfigurationFiles.fault(ofFile: $0) }
        let result = ConfigurationLoader.load(files, options: loader)
        for diagnostic in result.diagnostics { StandardErrorLog.write(diagnostic.rendered + "\n") }
        return result.configuration
    }
}

extension ReadingOptions {
    /// Nil when there is an error, which is on standard error then.
    func read(_ path: String) -> Configuration? {
        ConfigurationReading(path: path, ingressClasses: ingressClass, isStrict: strict).read()
    }
}

extension ConfigurationOptions {
    /// Nil when there is an error, which is on standard error then.
    func read() -> Configuration? { reading.read(config) }
}
