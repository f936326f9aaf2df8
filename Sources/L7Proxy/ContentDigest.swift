import ProxyConfig

/// FNV-1a of the contents of files, one after the other. It tells versions of one's own files
/// apart and protects against nobody.
struct ContentDigest: Equatable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Files without a byte.
    private(set) var emptyCount = 0

    mutating func add(_ bytes: Span<UInt8>) {
        for index in bytes.indices { add(bytes[index]) }
    }

    /// What follows is another file.
    mutating func endFile(byteCount: Int) {
        if byteCount == 0 { emptyCount += 1 }
        for shift in stride(from: 0, to: 64, by: 8) {
            add(UInt8(truncatingIfNeeded: byteCount >> shift))
        }
    }

    private mutating func add(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
}

extension ContentDigest {
    init(_ files: [SourceFile]) {
        for file in files {
            add(file.text.span)
            endFile(byteCount: file.text.count)
        }
    }
}
