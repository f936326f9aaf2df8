import HTTPParser
import Testing

/// What a parser does with a head that arrives in pieces. That the outcome does not depend on the
/// pieces is tested for every message of the other suites.
@Suite("Heads in pieces")
struct FragmentedHeadTests {
    private let parser = RequestParser(limits: ParserLimits())

    @Test("nothing is asked of no bytes")
    func noBytes() throws {
        let bytes: [UInt8] = []
        var head = RequestHead()
        var scannedCount = 0
        let progress = try parser.parse(bytes.span, scannedCount: &scannedCount, into: &head)
        #expect(progress == .needMore)
        #expect(scannedCount == 0)
    }

    @Test("the scanned count follows the bytes and is 0 again behind a complete head")
    func scannedCount() throws {
        let bytes = latin1(request(fields: "X: 0123456789abcdef"))
        var head = RequestHead()
        var scannedCount = 0
        for end in 0..<bytes.count {
            let piece = Array(bytes[..<end])
            let progress = try parser.parse(piece.span, scannedCount: &scannedCount, into: &head)
            #expect(progress == .needMore)
            #expect(scannedCount == end)
        }
        _ = try parser.parse(bytes.span, scannedCount: &scannedCount, into: &head)
        #expect(scannedCount == 0)
    }

    @Test("a complete line that is wrong is refused although the head is not complete")
    func earlyRefusal() {
        for line in ["GET / HTTP/1.2x\r\n", "GET / HTTP/1.1\r\nBad Name: v\r\n"] {
            var scannedCount = 0
            var refusedAt: Int?
            let bytes = latin1(line + "Host: a\r\n")
            for end in 1...bytes.count where refusedAt == nil {
                let piece = Array(bytes[..<end])
                var head = RequestHead()
                do {
                    _ = try parser.parse(piece.span, scannedCount: &scannedCount, into: &head)
                } catch {
                    refusedAt = end
                }
            }
            #expect(refusedAt.map { $0 <= line.utf8.count } == true)
        }
    }

    @Test("pipelined requests are read one behind the other")
    func pipelined() throws {
        let bytes = latin1(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: b\r\n\r\nGET /3 HT")
        var head = RequestHead()
        var scannedCount = 0
        var targets: [String] = []
        var rest = bytes
        while case .complete(let byteCount) = try parser.parse(
            rest.span, scannedCount: &scannedCount, into: &head)
        {
            targets.append(text(rest.span, head.target) + text(rest.span, head.host))
            #expect(head.fields.count == 1)
            rest.removeFirst(byteCount)
        }
        #expect(targets == ["/1a", "/2b"])
        #expect(scannedCount == 9)
    }

    @Test("a head that is filled again shows nothing of the one before")
    func reusedHead() throws {
        let first = latin1("GET /p?q HTTP/1.1\r\nHost: a:1\r\nHost-X: b\r\nCookie: c\r\n\r\n")
        let second = latin1("CONNECT b:2 HTTP/1.0\r\n\r\n")
        var head = RequestHead()
        var scannedCount = 0
        _ = try parser.parse(first.span, scannedCount: &scannedCount, into: &head)
        _ = try parser.parse(second.span, scannedCount: &scannedCount, into: &head)
        #expect(head.path.isEmpty && head.query.isEmpty)
        #expect(text(second.span, head.authority) == "b:2")
        #expect(head.fields.count == 0)
        #expect(!head.fields.contains(.host) && !head.fields.contains(.cookie))
        let third = latin1("GET / HTTP/1.0\r\n\r\n")
        _ = try parser.parse(third.span, scannedCount: &scannedCount, into: &head)
        #expect(head.authority.isEmpty && head.host.isEmpty)
    }

    @Test("a count that a caller forgot to reset does no harm")
    func staleCount() throws {
        let bytes = latin1(request())
        for stale in [-1, Int.min, bytes.count + 1, Int.max] {
            var head = RequestHead()
            var scannedCount = stale
            let progress = try parser.parse(bytes.span, scannedCount: &scannedCount, into: &head)
            #expect(progress == .complete(byteCount: bytes.count))
        }
    }

    @Test("a head of the largest size is read when it arrives in the smallest pieces")
    func largestHead() throws {
        let line = "X-Padding: " + String(repeating: "p", count: 241) + "\r\n"
        let bytes = latin1(
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: line, count: 126) + "\r\n")
        let memory = GuardedMemory(capacity: bytes.count)
        var scannedCount = 0
        var outcome = HeadOutcome<RequestText>.needMore
        for end in 0...bytes.count where outcome == .needMore {
            outcome = memory.withBytes(bytes[..<end]) {
                parseRequest($0, scannedCount: &scannedCount, limits: ParserLimits())
            }
        }
        #expect(outcome.byteCount == bytes.count)
    }
}
