import ProxyConfig
import ProxyCore

/// Routes files: no text traps, hangs or balloons the reader, reading it twice says the same, and
/// whatever is wrong with it has a place in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRoutes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer passes `count` bytes at `start` for the length of the call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    let file = SourceFile(name: "routes.yaml", text: text)
    let first = ConfigurationLoader.load([file])
    precondition(first.configuration == ConfigurationLoader.load([file]).configuration)
    let lineCount = text.utf8.count { $0 == 0x0A || $0 == 0x0D } + 2
    for diagnostic in first.diagnostics {
        precondition(diagnostic.line <= lineCount && !diagnostic.rendered.isEmpty)
    }
    guard let configuration = first.configuration else {
        precondition(first.diagnostics.contains { $0.severity == .error })
        return 0
    }
    check(configuration)
    return 0
}

/// Every reference of a configuration leads somewhere.
private func check(_ configuration: Configuration) {
    precondition(!configuration.listeners.isEmpty)
    let services = configuration.services.indices
    for route in configuration.routes {
        precondition(services.contains(route.service) && route.path.hasPrefix("/"))
    }
    precondition(configuration.defaultService.map(services.contains) ?? true)
}
