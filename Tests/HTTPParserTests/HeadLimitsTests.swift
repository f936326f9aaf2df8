import HTTPParser
import Testing

@Suite("Limits of a head")
struct HeadLimitsTests {
    private func limits(
        head: Int = 32 * 1024, target: Int = 16 * 1024, fields: Int = 128
    ) -> ParserLimits {
        ParserLimits(headBytesMax: head, targetBytesMax: target, fieldCountMax: fields)
    }

    @Test("a head of exactly the limit passes, one byte more is refused")
    func headBytes() {
        let message = request(fields: "X: y")
        let count = message.utf8.count
        #expect(requestOutcome(message, limits: limits(head: count + 1)).byteCount == count)
        #expect(requestOutcome(message, limits: limits(head: count)).byteCount == count)
        #expect(requestOutcome(message, limits: limits(head: count - 1)) == .refused(.headTooLarge))
    }

    @Test("the limit binds the head, not what is buffered behind it")
    func bytesBehindTheHead() {
        let message = request(fields: "X: y")
        let body = String(repeating: "GET / HTTP/1.1\r\n", count: 40)
        let outcome = requestOutcome(message + body, limits: limits(head: message.utf8.count))
        #expect(outcome.byteCount == message.utf8.count)
        let response = "HTTP/1.1 200 OK\r\n\r\n"
        let answered = responseOutcome(response + body, limits: limits(head: 19))
        #expect(answered.byteCount == 19)
    }

    @Test("an incomplete head is refused when it reaches the limit, not before")
    func incompleteHead() {
        let message = "GET / HTTP/1.1\r\nX: 0123456789"
        let count = message.utf8.count
        #expect(requestOutcome(message, limits: limits(head: count + 1)) == .needMore)
        #expect(requestOutcome(message, limits: limits(head: count)) == .refused(.headTooLarge))
        let response = "HTTP/1.1 200 OK\r\nX: 0123456789"
        #expect(responseOutcome(response, limits: limits(head: 31)) == .needMore)
        #expect(responseOutcome(response, limits: limits(head: 30)) == .refused(.headTooLarge))
    }

    @Test("a line without end is refused when the head reaches the limit")
    func endlessLine() {
        let message = "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 100)
        #expect(requestOutcome(message, limits: limits(head: 120)) == .needMore)
        #expect(requestOutcome(message, limits: limits(head: 119)) == .refused(.headTooLarge))
        #expect(requestOutcome(message, limits: limits(head: 80)) == .refused(.headTooLarge))
        let response = "HTTP/1.1 200 " + String(repeating: "x", count: 100)
        #expect(responseOutcome(response, limits: limits(head: 114)) == .needMore)
        #expect(responseOutcome(response, limits: limits(head: 113)) == .refused(.headTooLarge))
        #expect(responseOutcome(response, limits: limits(head: 80)) == .refused(.headTooLarge))
    }

    @Test("a rule broken before the limit is what is reported")
    func earlierError() {
        let message = "GET / HTTP/1.1\r\nX y: 0123456789\r\n\r\n"
        #expect(
            requestOutcome(message, limits: limits(head: 20)) == .refused(.whitespaceBeforeColon))
    }

    @Test("a target of exactly the limit passes, one byte more is 414")
    func targetBytes() {
        for count in [1, 2, 15, 16, 17, 40] {
            let target = "/" + String(repeating: "a", count: count - 1)
            let message = "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
            #expect(requestOutcome(message, limits: limits(target: count)).head?.target == target)
            #expect(
                requestOutcome(message, limits: limits(target: count - 1))
                    == .refused(.targetTooLong))
        }
        #expect(ParseError.targetTooLong.status == 414)
    }

    @Test("the length of a target counts its query")
    func targetWithQuery() {
        let message = "GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(requestOutcome(message, limits: limits(target: 6)).head?.query == "b?c")
        #expect(requestOutcome(message, limits: limits(target: 5)) == .refused(.targetTooLong))
    }

    @Test("a target that is too long is refused before its line ends")
    func endlessTarget() {
        let message = "GET /" + String(repeating: "a", count: 100)
        #expect(requestOutcome(message, limits: limits(target: 60)) == .refused(.targetTooLong))
        #expect(requestOutcome(message, limits: limits(target: 101)) == .needMore)
    }

    @Test("a target that is too long and holds a wrong byte is refused for what comes first")
    func wrongByteInLongTarget() {
        let early = "GET /\u{80}" + String(repeating: "a", count: 100)
        #expect(requestOutcome(early, limits: limits(target: 60)) == .refused(.invalidTarget))
        let late = "GET /" + String(repeating: "a", count: 100) + "\u{80}"
        #expect(requestOutcome(late, limits: limits(target: 60)) == .refused(.targetTooLong))
    }

    @Test("a method of 32 bytes passes, one of 33 is refused (RFC 9112 §3)")
    func methodBytes() {
        let name = String(repeating: "M", count: 32)
        #expect(
            requestOutcome("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").head?.methodName == name)
        #expect(requestOutcome("\(name)M / HTTP/1.1\r\n") == .refused(.methodTooLong))
        #expect(requestOutcome("\(name)M") == .refused(.methodTooLong))
    }

    @Test("as many fields as the limit pass, one more is refused")
    func fieldCount() {
        let message = request(fields: "A: 1", "B: 2")
        #expect(requestOutcome(message, limits: limits(fields: 3)).head?.fields.count == 3)
        #expect(requestOutcome(message, limits: limits(fields: 2)) == .refused(.tooManyFields))
        #expect(requestOutcome(message, limits: limits(fields: 0)) == .refused(.tooManyFields))
        let response = "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n"
        #expect(responseOutcome(response, limits: limits(fields: 2)).head?.fields.count == 2)
        #expect(responseOutcome(response, limits: limits(fields: 1)) == .refused(.tooManyFields))
    }

    @Test("no limit lets in more fields than a section can hold")
    func sectionCapacity() {
        let lines = (0..<254).map { "X: \($0)\r\n" }.joined()
        let full = "HTTP/1.1 200 OK\r\n\(lines)\r\n"
        let wide = limits(fields: 100_000)
        #expect(wholeResponseFieldCount(full, wide) == 254)
        #expect(wholeResponseFieldCount("HTTP/1.1 200 OK\r\n\(lines)Y: z\r\n\r\n", wide) == nil)
        var loose = ParserLimits()
        loose.fieldCountMax = 100_000
        #expect(wholeResponseFieldCount("HTTP/1.1 200 OK\r\n\(lines)Y: z\r\n\r\n", loose) == nil)
    }

    @Test("limits that make no sense are taken as the nearest that do")
    func senselessLimits() {
        let message = request(fields: "X: y")
        let all = limits(head: Int.max, target: Int.max, fields: Int.max)
        #expect(requestOutcome(message, limits: all).head != nil)
        let none = limits(head: -1, target: -1, fields: -1)
        #expect(requestOutcome(message, limits: none) == .refused(.headTooLarge))
        #expect(responseOutcome("HTTP/1.1 200\r\n\r\n", limits: none) == .refused(.headTooLarge))
        var assigned = ParserLimits()
        assigned.headBytesMax = .min
        assigned.targetBytesMax = .max
        #expect(requestOutcome(message, limits: assigned) == .refused(.headTooLarge))
    }

    private func wholeResponseFieldCount(_ message: String, _ limits: ParserLimits) -> Int? {
        let bytes = latin1(message)
        var head = ResponseHead()
        var scannedCount = 0
        let progress = try? ResponseParser(limits: limits)
            .parse(bytes.span, scannedCount: &scannedCount, into: &head)
        return progress == .complete(byteCount: bytes.count) ? head.fields.count : nil
    }
}
