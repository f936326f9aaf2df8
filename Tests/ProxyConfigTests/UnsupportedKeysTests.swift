import ProxyConfig
import Testing

@Suite struct UnsupportedKeysTests {
    @Test(
        "what is not supported yet is refused, and named",
        arguments: [
            ("clientIP: {from: forwarded}", "'from': 'forwarded'"),
            ("clientIP: {from: x-real-ip}", "'from': 'x-real-ip'"),
            ("services: {a: {backends: [10.0.0.1:80], balance: ewma}}", "'balance': 'ewma'"),
            ("services: {a: {backends: [10.0.0.1:80], slowStart: 5s}}", "'slowStart'"),
            (
                "services: {a: {backends: [10.0.0.1:80], ingressNginxName: a-b-80}}",
                "'ingressNginxName'"
            ),
            (
                "services: {a: {backends: [{address: 10.0.0.1:80, drainDeadline: 5s}]}}",
                "'drainDeadline'"
            ),
            ("sessionStore: redis://127.0.0.1:6379/0", "'sessionStore': redis"),
            ("accessLog: {format: json}", "'accessLog'"),
            ("admin: 127.0.0.1:9901", "'admin'"),
            (
                "routes: [{backends: [10.0.0.1:80], annotations: {affinity: header}}]",
                "'affinity': 'header'"
            ),
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
            "admin: off",
        ])
    func accepted(text: String) {
        #expect(load(text).configuration != nil)
    }
}
