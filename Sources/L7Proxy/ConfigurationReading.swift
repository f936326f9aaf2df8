import ProxyConfig

extension ConfigurationOptions {
    /// Reads and checks what `--config` names, and writes what was found to standard error.
    ///
    /// - Returns: nil when there is an error.
    func read() -> Configuration? {
        let files: [SourceFile]
        do throws(ConfigurationFiles.Unreadable) {
            files = try ConfigurationFiles.read(config)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            return nil
        }
        var loader = LoaderOptions(ingressClasses: ingressClass, isStrict: strict)
        loader.patternFault = { RegularExpression.fault(in: $0) }
        loader.pathFault = { ConfigurationFiles.fault(ofFile: $0) }
        let result = ConfigurationLoader.load(files, options: loader)
        for diagnostic in result.diagnostics { StandardErrorLog.write(diagnostic.rendered + "\n") }
        return result.configuration
    }
}
