import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("Base 64 for URLs")
struct Base64URLTests {
    /// RFC 4648 §5, Table 2.
    private let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count * 2)
        Base64URL.append(bytes.span, to: &writer)
        return writer.copyBytes()
    }

    @Test("every value is its character of the RFC's table, at each of the four places")
    func everyCharacter() {
        for value in UInt32(0)..<64 {
            for place in 0..<4 {
                // The others are far from it, so that what spills over would be seen.
                for other in [UInt32(0), 25, 51, 61, 63] {
                    var sextets = [UInt32](repeating: other, count: 4)
                    sextets[place] = value
                    let group = sextets.reduce(0) { $0 << 6 | $1 }
                    let bytes = [16, 8, 0].map { UInt8(truncatingIfNeeded: group >> $0) }
                    #expect(encoded(bytes) == sextets.map { alphabet[Int($0)] })
                }
            }
        }
    }

    @Test("what is encoded is decoded to the same bytes")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            let bytes = (0..<39).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var decoded = InlineArray<39, UInt8>(repeating: 0)
            #expect(Base64URL.decode(encoded(bytes).span, into: &decoded))
            #expect(decoded.indices.map { decoded[$0] } == bytes)
        }
    }
}
