import HTTPParser
import Testing

/// The header with which a proxy in front of us says whom it speaks for (proxy-protocol.txt).
@Suite("PROXY protocol")
struct ProxyProtocolTests {
    @Test(
        "a line of version 1 names both ends (proxy-protocol.txt §2.1)",
        arguments: [
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", 56324, 443, false),
            ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", 0, 65535, false),
            ("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", 1, 2, true),
        ])
    func text(line: String, source: UInt16, destination: UInt16, isV6: Bool) throws {
        let bytes = Array(line.utf8)
        let header = try #require(try parse(bytes + Array("GET".utf8)).get())
        #expect(header.byteCount == bytes.count)
        let endpoints = try #require(header.endpoints)
        #expect(endpoints.sourcePort == source && endpoints.destinationPort == destination)
        let words = line.split(separator: " ")
        for (address, word) in [(endpoints.source, words[2]), (endpoints.destination, words[3])] {
            switch address {
            case .v4Text(let range):
                #expect(!isV6 && Array(bytes[range.offsets]) == Array(word.utf8))
            case .v6Text(let range):
                #expect(isV6 && Array(bytes[range.offsets]) == Array(word.utf8))
            case .v4, .v6: Issue.record("text was expected")
            }
        }
    }

    @Test(
        "UNKNOWN names nobody, whatever follows it (proxy-protocol.txt §2.1)",
        arguments: ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f... x y  z\r\n"])
    func unknown(line: String) throws {
        let header = try #require(try parse(Array(line.utf8)).get())
        #expect(header == ProxyProtocolHeader(byteCount: line.utf8.count, endpoints: nil))
    }

    @Test("the longest line of version 1 has 107 bytes (proxy-protocol.txt §2.1)")
    func longestLine() throws {
        let start = "PROXY UNKNOWN "
        let fits = start + String(repeating: "x", count: 105 - start.utf8.count)
        #expect(try parse(Array((fits + "\r\n").utf8)).get()?.byteCount == 107)
        #expect(parse(Array((fits + "x\r\n").utf8)) == .failure(.tooLong))
        #expect(parse(Array((fits + "x").utf8)) == .failure(.tooLong))
    }

    @Test(
        "a line of version 1 that breaks a rule is refused (proxy-protocol.txt §2.1)",
        arguments: [
            "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
            "PROXY TCP4\r\n", "PROXY \r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1\u{0} 192.0.2.2 1 2\r\n", "PROXY UNKNOWN\u{80}\r\n",
        ])
    func badLine(line: String) {
        #expect(parse(Array(line.utf8)) == .failure(.malformed))
    }

    @Test(
        "what is no header is refused at its first wrong byte",
        arguments: ["GET / HTTP/1.1\r\n", "PROXX", "proxy", "POST", "\r\n\r\n\0\r\nQUIX", "\r\r"])
    func noSignature(text: String) {
        #expect(parse(Array(text.utf8)) == .failure(.noSignature))
    }

    @Test("version 2 names both ends, and its TLVs are passed over (proxy-protocol.txt §2.2)")
    func version2() throws {
        let v4 = version2Header(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 4, 1, 0xBB])
        let addresses = ProxyProtocolEndpoints.v4(
            source: 0xC000_0201, destination: 0xC633_6402, 56324, 443)
        #expect(try parse(v4).get() == ProxyProtocolHeader(byteCount: 28, endpoints: addresses))
        let withTLVs = version2Header(
            0x21, 0x11, v4.suffix(12) + [0x04, 0, 3, 1, 2, 3, 0xEE, 0xFF, 0xFF])
        #expect(
            try parse(withTLVs + [0x47]).get()
                == ProxyProtocolHeader(byteCount: 37, endpoints: addresses))
        let six: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11)
        let v6 = version2Header(0x21, 0x21, six + [1] + six + [2] + [0, 1, 0, 2])
        let endpoints = try #require(try parse(v6).get()?.endpoints)
        #expect(endpoints.source == .v6(high: 0x2001_0DB8_0000_0000, low: 1))
        #expect(endpoints.destination == .v6(high: 0x2001_0DB8_0000_0000, low: 2))
        #expect(endpoints.sourcePort == 1 && endpoints.destinationPort == 2)
    }

    @Test(
        "LOCAL, and an end that is no TCP address, leave the connection's own ends in force",
        arguments: [(0x20, 0x00), (0x20, 0x11), (0x21, 0x00), (0x21, 0x31), (0x21, 0x12)])
    func namesNobody(command: UInt8, family: UInt8) throws {
        let header = version2Header(command, family, [UInt8](repeating: 7, count: 40))
        #expect(try parse(header).get() == ProxyProtocolHeader(byteCount: 56, endpoints: nil))
        let short = version2Header(0x20, family, [])
        #expect(try parse(short).get() == ProxyProtocolHeader(byteCount: 16, endpoints: nil))
    }

    @Test("a header of version 2 that breaks a rule is refused (proxy-protocol.txt §2.2)")
    func badBinary() {
        for command: UInt8 in [0x11, 0x22, 0x2F, 0x30, 0x00] {
            #expect(parse(version2Header(command, 0x11, [])) == .failure(.malformed))
        }
        for family: UInt8 in [0x41, 0x13, 0xFF] {
            #expect(parse(version2Header(0x21, family, [])) == .failure(.malformed))
        }
        let eleven = [UInt8](repeating: 0, count: 11)
        #expect(parse(version2Header(0x21, 0x11, eleven)) == .failure(.malformed))
        #expect(parse(version2Header(0x21, 0x21, eleven + eleven + eleven)) == .failure(.malformed))
    }

    @Test("a header of version 2 is bounded, and refused by its length alone")
    func longBinary() throws {
        let most = [UInt8](repeating: 0, count: ProxyProtocolParser.bytesMax - 16)
        let byteCount = try parse(version2Header(0x21, 0x11, most)).get()?.byteCount
        #expect(byteCount == ProxyProtocolParser.bytesMax)
        #expect(
            parse(Array(version2Header(0x21, 0x11, most + [0]).prefix(16))) == .failure(.tooLong))
    }

    @Test(
        "a header says the same however it is cut, and nothing before its last byte",
        arguments: [
            Array("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n".utf8),
            Array("PROXY UNKNOWN\r\n".utf8),
            version2Header(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 4, 1, 0xBB, 3, 0, 0]),
            version2Header(0x20, 0x00, []),
        ])
    func fragments(header: [UInt8]) throws {
        for end in 0..<header.count {
            #expect(try parse(Array(header[..<end])).get() == nil)
        }
        #expect(try parse(header).get()?.byteCount == header.count)
    }
}

private func parse(_ bytes: [UInt8]) -> Result<ProxyProtocolHeader?, ProxyProtocolError> {
    let memory = GuardedMemory(capacity: max(1, bytes.count))
    return memory.withBytes(bytes[...]) { span in
        do throws(ProxyProtocolError) {
            return .success(try ProxyProtocolParser.parse(span))
        } catch {
            return .failure(error)
        }
    }
}

private func version2Header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)
    return signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 0xFF)] + rest
}

extension ProxyProtocolEndpoints {
    fileprivate static func v4(
        source: UInt32, destination: UInt32, _ sourcePort: UInt16, _ destinationPort: UInt16
    ) -> ProxyProtocolEndpoints {
        ProxyProtocolEndpoints(
            source: .v4(source), destination: .v4(destination), sourcePort: sourcePort,
            destinationPort: destinationPort)
    }
}
