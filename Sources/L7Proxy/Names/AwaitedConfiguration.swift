import ProxyConfig
import Transport

/// A configuration that was read, and waits for the first answers to its host names: taken at once,
/// it would have no backends where the running one has some.
struct AwaitedConfiguration {
    let configuration: Configuration
    let hosts: Set<String>
    /// Then it is taken without them.
    let end: MonotonicTime
}
