import Testing

@testable import HTTPParser

@Suite("Known field names")
struct FieldNameTests {
    private static let names: [(String, FieldName)] = [
        ("host", .host), ("connection", .connection), ("content-length", .contentLength),
        ("transfer-encoding", .transferEncoding), ("te", .te), ("trailer", .trailer),
        ("upgrade", .upgrade), ("expect", .expect), ("keep-alive", .keepAlive),
        ("proxy-connection", .proxyConnection), ("http2-settings", .http2Settings),
        ("forwarded", .forwarded), ("x-forwarded-for", .xForwardedFor),
        ("x-forwarded-host", .xForwardedHost), ("x-forwarded-port", .xForwardedPort),
        ("x-forwarded-proto", .xForwardedProto), ("x-real-ip", .xRealIP),
        ("x-scheme", .xScheme), ("x-forwarded-scheme", .xScheme),
        ("x-original-forwarded-for", .xOriginalForwarded),
        ("x-original-forwarded-host", .xOriginalForwarded),
        ("x-request-id", .xRequestID), ("x-session-moved", .xSessionMoved), ("proxy", .proxy),
        ("cookie", .cookie), ("set-cookie", .setCookie), ("user-agent", .userAgent),
        ("date", .date), ("cache-control", .cacheControl),
        ("sec-websocket-key", .secWebSocketKey), ("sec-websocket-version", .secWebSocketVersion),
        ("sec-websocket-accept", .secWebSocketAccept),
    ]

    private func classify(_ name: String) -> FieldName {
        let bytes = latin1(name)
        return .classify(bytes.span)
    }

    @Test("every case but other has a name")
    func complete() {
        #expect(Set(FieldNameTests.names.map(\.1)) == Set(FieldName.allCases).subtracting([.other]))
    }

    @Test("a name is known in any case", arguments: names)
    func known(name: String, expected: FieldName) {
        let alternating = name.enumerated()
            .map { $0.offset.isMultiple(of: 2) ? $0.element.uppercased() : String($0.element) }
        #expect(classify(name) == expected)
        #expect(classify(name.uppercased()) == expected)
        #expect(classify(alternating.joined()) == expected)
    }

    @Test("a name with any one byte changed is another", arguments: names)
    func neighbours(name: String, expected: FieldName) {
        let bytes = latin1(name)
        for position in bytes.indices {
            let known = (UInt8.min...UInt8.max).filter { byte in
                var changed = bytes
                changed[position] = byte
                return FieldName.classify(changed.span) != .other
            }
            #expect(known.allSatisfy { lowercased($0) == bytes[position] })
        }
    }

    @Test("a name that is longer or shorter is another", arguments: names)
    func lengths(name: String, expected: FieldName) {
        #expect(classify(name + "x") == .other)
        #expect(classify("x" + name) == .other)
        #expect(classify(String(name.dropLast())) == .other)
        #expect(classify(String(name.dropFirst())) == .other)
    }

    @Test("names of every length are looked at within their bytes")
    func everyLength() {
        for count in 0...64 {
            let memory = GuardedMemory(capacity: 64)
            let bytes = [UInt8](repeating: 0x78, count: count)
            #expect(memory.withBytes(bytes[...]) { FieldName.classify($0) } == .other)
        }
    }
}
