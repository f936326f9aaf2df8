import Testing

@testable import L7Proxy

@Suite("Texts of the admin listener")
struct MetricsTextTests {
    private func text(_ body: (inout MetricsText) -> Void) -> String {
        var text = MetricsText()
        body(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test("a family is its HELP, its TYPE and its samples")
    func family() {
        let text = text { text in
            text.begin("a_total", .counter, "What it is.")
            text.add(1 as UInt64, ("x", "1"), ("y", "2"))
            text.add(UInt64.max)
            text.add("b", .gauge, "Another.", 0)
        }
        #expect(
            text == """
                # HELP a_total What it is.
                # TYPE a_total counter
                a_total{x="1",y="2"} 1
                a_total 18446744073709551615
                # HELP b Another.
                # TYPE b gauge
                b 0

                """)
    }

    @Test(
        "label values are escaped, and everything else stays as it is",
        arguments: [
            ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("ä{}=,", "ä{}=,"),
        ])
    func labels(value: String, written: String) {
        let text = text { text in
            text.begin("a", .gauge, "A.")
            text.add(1 as UInt64, ("l", value))
        }
        #expect(text.hasSuffix("a{l=\"\(written)\"} 1\n"))
    }

    @Test("the buckets of a histogram hold those before them, and the last one all")
    func histogram() {
        var counts = [UInt64](repeating: 0, count: DurationBuckets.count)
        counts[0] = 1
        counts[4] = 2
        counts[DurationBuckets.count - 1] = 4
        let text = text { text in
            text.begin("h", .histogram, "H.")
            text.addHistogram(counts: counts, sum: 1.5, [("l", "v")])
        }
        for line in [
            "h_bucket{l=\"v\",le=\"0.0005\"} 1\n", "h_bucket{l=\"v\",le=\"0.005\"} 1\n",
            "h_bucket{l=\"v\",le=\"0.01\"} 3\n", "h_bucket{l=\"v\",le=\"60\"} 3\n",
            "h_bucket{l=\"v\",le=\"+Inf\"} 7\n", "h_sum{l=\"v\"} 1.5\n", "h_count{l=\"v\"} 7\n",
        ] {
            #expect(text.contains(line), "\(line) in \(text)")
        }
    }

    @Test(
        "a duration is in the first bucket whose bound it does not exceed",
        arguments: DurationBuckets.bounds.indices)
    func buckets(position: Int) throws {
        let bound = try #require(Double("\(DurationBuckets.bounds[position])"))
        let microseconds = UInt64((bound * 1_000_000).rounded())
        #expect(DurationBuckets.position(ofMicroseconds: microseconds) == position)
        #expect(DurationBuckets.position(ofMicroseconds: microseconds + 1) == position + 1)
        #expect(DurationBuckets.bounds.count + 1 == DurationBuckets.count)
    }

    @Test("JSON has its commas between values, and nowhere else")
    func json() {
        var text = JSONText()
        text.object { text in
            text.member("a", 1)
            text.key("b")
            text.array([1, 2]) { $0.value($1) }
            text.key("c")
            text.array([Int]()) { $0.value($1) }
            text.member("d", true)
            text.key("e")
            text.array(["x", "y"]) { text, name in text.object { $0.member("n", name) } }
            text.key("f")
            text.null()
        }
        #expect(
            String(decoding: text.bytes, as: UTF8.self)
                == #"{"a":1,"b":[1,2],"c":[],"d":true,"e":[{"n":"x"},{"n":"y"}],"f":null}"#)
    }

    @Test(
        "JSON strings are escaped",
        arguments: [
            ("a\"b\\c", #""a\"b\\c""#), ("\u{0}\n\u{1F}", #""\u0000\u000a\u001f""#),
            ("é/<", "\"é/<\""),
        ])
    func strings(text: String, written: String) {
        var json = JSONText()
        json.value(text)
        #expect(String(decoding: json.bytes, as: UTF8.self) == written)
    }
}
