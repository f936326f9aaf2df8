import ProxyConfig
import Testing

@Suite("accessLog")
struct AccessLogKeysTests {
    @Test(
        "a format and a path, each with its default",
        arguments: [
            ("{format: json, path: /var/log/a}", .json, "/var/log/a"),
            ("{format: combined}", .combined, "/dev/stdout"), ("{}", .json, "/dev/stdout"),
            ("{path: /a}", .json, "/a"),
        ] as [(String, AccessLogRule.Format, String)])
    func rule(text: String, format: AccessLogRule.Format, path: String) {
        let configuration = load("accessLog: \(text)").configuration
        #expect(configuration?.accessLog == AccessLogRule(format: format, path: path))
    }

    @Test(
        "off is no log, and so is nothing",
        arguments: ["accessLog: off", "accessLog: {format: off, path: /a}", "workers: 1"])
    func off(text: String) {
        let configuration = load(text).configuration
        #expect(configuration != nil && configuration?.accessLog == nil)
    }

    @Test("a relative path starts at the directory of the file")
    func relative() {
        let file = SourceFile(
            name: "/etc/l7proxy/routes.yaml", text: "accessLog: {path: access.log}")
        let rule = ConfigurationLoader.load([file]).configuration?.accessLog
        #expect(rule?.path == "/etc/l7proxy/access.log")
    }

    @Test(
        "anything else is refused, with what is allowed",
        arguments: [
            ("accessLog: {format: jsn}", "'json'"), ("accessLog: json", "a mapping"),
            ("accessLog: {file: /a}", "unknown key 'file'"), ("accessLog: {path: [a]}", "text"),
        ])
    func refused(text: String, part: String) {
        let result = load(text)
        #expect(result.configuration == nil)
        #expect(result.rendered.contains(part), "\(result.rendered)")
    }
}
