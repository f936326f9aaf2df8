internal import HTTPParser

/// The affinity cookies of ingress-nginx for one service, `key|backend_key`: they are read so that
/// a migration logs nobody out, and written so that both proxies can run side by side.
///
/// Nothing in them is signed: whoever sends one can choose a backend.
struct IngressNginxCookie: Sendable {
    /// What a value says, of those that are of this service.
    enum Content: Equatable {
        /// The value of persistent mode for a backend that exists.
        case backend(Int)
        /// The hash of any key of this service.
        case key(UInt32)
    }

    /// The second half of every value of the service, as text.
    private let serviceKey: MD5.Digest
    private let backendKeys: [MD5.Digest]
    private let index: IdentityIndex

    /// - Parameters:
    ///   - name: `<namespace>-<service>-<port>`, as the Ingress writes the port.
    ///   - addresses: `ip:port` of each backend.
    init(name: String, addresses: [String]) {
        serviceKey = Self.serviceKey(of: name)
        backendKeys = addresses.map { MD5.digest(of: name + $0) }
        index = IdentityIndex(backendKeys.map(\.high))
    }

    static func serviceKey(of name: String) -> MD5.Digest {
        MD5.digest(of: MD5.digest(of: name).text + name)
    }

    /// Reads a value; nil when it is not of this service. Bars separate the two halves, however
    /// many there are; what follows a third half means nothing.
    func read(_ value: Span<UInt8>) -> Content? {
        var offset = 0
        guard let key = nextPart(of: value, from: &offset) else { return nil }
        let text = value.extracting(key)
        if let digest = MD5.Digest(hexadecimal: text),
            let position = index.position(of: digest.high),
            backendKeys[position] == digest
        {
            return .backend(position)
        }
        guard let second = nextPart(of: value, from: &offset),
            MD5.Digest(hexadecimal: value.extracting(second)) == serviceKey
        else { return nil }
        var crc = CRC32()
        crc.combine(text)
        return .key(crc.value)
    }

    private func nextPart(of value: Span<UInt8>, from offset: inout Int) -> Range<Int>? {
        while offset < value.count, value[offset] == Self.bar { offset += 1 }
        let start = offset
        while offset < value.count, value[offset] != Self.bar { offset += 1 }
        return start == offset ? nil : start..<offset
    }

    /// Appends the value that binds to a backend.
    func append(persistent backend: Int, to writer: inout ByteWriter) {
        append(backendKeys[backend], to: &writer)
        writer.append(Self.bar)
        append(serviceKey, to: &writer)
    }

    /// Appends the value that carries a key.
    func append(balanced key: Key, to writer: inout ByteWriter) {
        let numbers = key.numbers
        for index in numbers.indices {
            if index > 0 { writer.append(0x2E) }
            if index == 1 {
                if numbers[1] < 100 { writer.append(0x30) }
                if numbers[1] < 10 { writer.append(0x30) }
            }
            writer.append(decimal: UInt64(numbers[index]))
        }
        writer.append(Self.bar)
        append(serviceKey, to: &writer)
    }

    private func append(_ digest: MD5.Digest, to writer: inout ByteWriter) {
        writer.append(fixedHexadecimal: digest.high)
        writer.append(fixedHexadecimal: digest.low)
    }

    private static var bar: UInt8 { 0x7C }

    /// A key of balanced mode: the time in seconds, milliseconds, a process, and chance. All but
    /// the time is chance here, as nothing reads it.
    struct Key: Equatable, Sendable {
        /// The time above, chance below.
        let packed: UInt64

        init(packed: UInt64) {
            self.packed = packed
        }

        init(unixSeconds: Int64, random: UInt64) {
            packed = UInt64(UInt32(truncatingIfNeeded: unixSeconds)) << 32 | random & 0xFFFF_FFFF
        }

        /// Of one chance exactly one text is made: the last number is at most 536,871.
        fileprivate var numbers: InlineArray<4, UInt32> {
            let chance = UInt32(truncatingIfNeeded: packed)
            return [
                UInt32(truncatingIfNeeded: packed >> 32), chance % 1000, 20 + chance / 1000 % 8,
                1 + chance / 8000,
            ]
        }

        /// Where the key lies on a ring.
        var ringHash: UInt32 {
            var crc = CRC32()
            let numbers = numbers
            for index in numbers.indices {
                if index > 0 { crc.combine(0x2E) }
                if index == 1 {
                    if numbers[1] < 100 { crc.combine(0x30) }
                    if numbers[1] < 10 { crc.combine(0x30) }
                }
                crc.combine(decimal: numbers[index])
            }
            return crc.value
        }
    }
}
