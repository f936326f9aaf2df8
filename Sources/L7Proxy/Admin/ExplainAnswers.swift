import StickyPolicy

/// Where a request would go now, by the running configuration, sessions and health.
enum ExplainAnswers {
    static func explain(
        _ request: AdminRequest, _ snapshot: ConfigSnapshot
    ) -> AdminResponse {
        let fields = request.values("header") + request.values("cookie").map { "Cookie: \($0)" }
        // A line end would begin another field, which a client could have sent as well.
        guard let url = request.value("url"), let asked = ExplainedRequest(url: url, fields: fields)
        else {
            return AdminResponse(
                status: 400, "url must be an http or https URL, header a field line")
        }
        guard let peer = IPAddress(request.value("client") ?? "127.0.0.1") else {
            return AdminResponse(status: 400, "client must be an IP address")
        }
        var report = ExplainReport(snapshot, asked, peer: peer)
        report.write()
        if request.value("format") == "text" {
            var answer = AdminResponse(.text, Array(report.text.utf8))
            if !report.hasBackend { answer.status = 404 }
            return answer
        }
        var text = JSONText()
        text.object { text in
            text.member("found", report.hasBackend)
            text.member("text", report.text)
        }
        return AdminResponse(.json, text.bytes)
    }
}
