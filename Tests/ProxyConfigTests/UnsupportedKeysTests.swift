import ProxyConfig
import Testing

@Suite struct UnsupportedKeysTests {
    @Test(
        "what is not supported yet is refused, and named",
        arguments: [
            ("sessionStore: redis://127.0.0.1:6379/0", "'sessionStore': redis")
        ])
    func refused(text: String, key: String) {
        let result = load(text)
        #expect(result.configuration == nil)
        #expect(result.diagnostics.map(\.message) == ["\(key) is not supported yet"])
    }

    @Test(
        "the default of a key that is not supported yet is accepted",
        arguments: [
            "listeners: [{address: 0.0.0.0:80, tls: off}]",
            "services: {a: {backends: [10.0.0.1:80], passiveHealth: {failTimeout: 10}}}",
            "services: {a: {backends: [10.0.0.1:80], healthCheck: }}",
            "timeouts: {preStop: 0}",
            "limits: {memory: 0k}",
            "accessLog: off",
        ])
    func accepted(text: String) {
        #expect(load(text).configuration != nil)
    }
}
