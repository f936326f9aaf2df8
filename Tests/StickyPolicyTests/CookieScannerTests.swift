import HTTPParser
import StickyPolicy
import Testing

@Suite("finding a cookie")
struct CookieScannerTests {
    private func values(of name: String, in lines: [String]) -> [String] {
        let request = TestRequest(cookies: lines, userAgent: "route=no")
        let scanner = CookieScanner(name: name)
        var cursor = CookieScanner.Cursor(in: request.head)
        var values: [String] = []
        while let range = scanner.next(&cursor, head: request.head, in: request.bytes.span) {
            values.append(String(decoding: request.bytes[range.offsets], as: UTF8.self))
        }
        return values
    }

    @Test(
        "each value of the name is found, as it was sent",
        arguments: [
            ("route=a", ["a"]), ("x=1; route=a; y=2", ["a"]), ("route=a; route=b", ["a", "b"]),
            ("route=a;route=b;", ["a", "b"]), ("  route=a  ;x=y", ["a"]),
            ("route = a", ["a"]), ("route=\"a\"", ["\"a\""]), ("route=a b", ["a b"]),
            ("route=a=b==", ["a=b=="]), ("route=", [""]), ("route=;x=1", [""]),
            ("route=%7C|x", ["%7C|x"]), ("foo; route=a", ["a"]), ("foo;;; ;route=a", ["a"]),
            ("=x; route=a", ["a"]), ("a_rather_long_name=with_a_long_value; route=a", ["a"]),
            (
                "route=0123456789abcdef; route=0123456789abcdefg;",
                ["0123456789abcdef", "0123456789abcdefg"]
            ),
        ])
    func found(line: String, expected: [String]) {
        #expect(values(of: "route", in: [line]) == expected)
    }

    @Test(
        "other names are not taken for ours",
        arguments: [
            "", ";", "=", "route", "Route=a", "ROUTE=a", "xroute=a", "routes=a", "rout=a",
            "x=route=a", "route2=a", "x=\"; route\"", "ro ute=a", "route;=a",
        ])
    func notFound(line: String) {
        #expect(values(of: "route", in: [line]).isEmpty)
    }

    @Test("several Cookie lines are read in order, as HTTP/2 gateways split them")
    func lines() {
        let lines = ["a=1; route=x", "b=2", "", "route=y;c=3", "route=z"]
        #expect(values(of: "route", in: lines) == ["x", "y", "z"])
        #expect(values(of: "route", in: []).isEmpty)
    }

    @Test("a semicolon is found at every distance")
    func distances() {
        for length in 0..<40 {
            let filler = String(repeating: "x", count: length)
            #expect(values(of: "route", in: ["f=\(filler);route=\(filler);g=h"]) == [filler])
        }
    }

    @Test("no bytes make the search trap, and a value never leaves its line")
    func random() {
        let alphabet = Array("route=;; \t\"\\|\u{1}x".utf8)
        let scanner = CookieScanner(name: "route")
        var state: UInt64 = 1
        var foundCount = 0
        for _ in 0..<20_000 {
            let line = (0..<40).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 33) % alphabet.count]
            }
            let text = String(decoding: line, as: UTF8.self)
            let request = TestRequest(cookies: [text + ";route=last"], userAgent: "x")
            let end = Int(request.head.fields[0].value.end)
            var cursor = CookieScanner.Cursor(in: request.head)
            var last = 0..<0
            while let value = scanner.next(&cursor, head: request.head, in: request.bytes.span) {
                #expect(value.offsets.lowerBound >= last.upperBound)
                #expect(value.offsets.upperBound <= end)
                last = value.offsets
                foundCount += 1
            }
            #expect(String(decoding: request.bytes[last], as: UTF8.self) == "last")
        }
        #expect(foundCount >= 20_000)
    }
}
