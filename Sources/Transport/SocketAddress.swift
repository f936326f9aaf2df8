internal import Glibc

/// Where a socket is bound or connected to: an IPv4 or IPv6 address with a port, or a path.
///
/// IPv4 is kept in its IPv4-mapped form and spoken as IPv4. IPv6 scopes are not kept: a link-local
/// address does not name its interface and cannot be used.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: Hashable {
        case internet(high: UInt64, low: UInt64, port: UInt16)
        case local(path: String)
    }

    private let kind: Kind

    /// `high` holds the address's bytes 0...7 in network order, read as a number; `low` the rest.
    package init(high: UInt64, low: UInt64, port: UInt16) {
        kind = .internet(high: high, low: low, port: port)
    }

    /// A UNIX-domain socket in the file system; nil when the path is empty, longer than the 107
    /// bytes that `sockaddr_un` takes, or has a zero byte.
    package static func unix(_ path: String) -> SocketAddress? {
        guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
        return SocketAddress(kind: .local(path: path))
    }

    private init(kind: Kind) {
        self.kind = kind
    }

    package var high: UInt64? {
        if case .internet(let high, _, _) = kind { high } else { nil }
    }

    package var low: UInt64? {
        if case .internet(_, let low, _) = kind { low } else { nil }
    }

    package var port: UInt16? {
        if case .internet(_, _, let port) = kind { port } else { nil }
    }

    /// Non-nil exactly when this is a UNIX-domain socket.
    package var path: String? {
        if case .local(let path) = kind { path } else { nil }
    }

    /// 4 or 16 bytes in network order; none for a path.
    var networkBytes: [UInt8] {
        guard case .internet(let high, let low, _) = kind else { return [] }
        let bytes = [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        return isIPv4 ? Array(bytes.suffix(4)) : bytes
    }

    package var isIPv4: Bool {
        if case .internet(0, let low, _) = kind { low >> 32 == 0xFFFF } else { false }
    }

    /// `192.0.2.1:80`, `[2001:db8::1]:80`, or the path.
    package var description: String {
        switch kind {
        case .local(let path): path
        case .internet(let high, let low, let port):
            isIPv4 ? "\(Self.dotted(low)):\(port)" : "[\(Self.text(high, low))]:\(port)"
        }
    }

    private static func dotted(_ low: UInt64) -> String {
        "\(low >> 24 & 0xFF).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)"
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        var bits = (high.bigEndian, low.bigEndian)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // SAFETY: inet_ntop reads 16 bytes and writes at most the text's 46, its end included.
        guard unsafe inet_ntop(AF_INET6, &bits, &text, socklen_t(INET6_ADDRSTRLEN)) != nil else {
            return "?"
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

// The kernel's form.
extension SocketAddress {
    var family: Int32 {
        if path != nil { return AF_UNIX }
        return isIPv4 ? AF_INET : AF_INET6
    }

    /// Shows the address as the kernel wants it. The pointer is valid inside `body` only.
    func withSystemAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            // SAFETY: `sockaddr_storage` has room and alignment for each family, and lives until
            // the closure ends.
            let length = unsafe write(into: bytes)
            let address = unsafe bytes.baseAddress.unsafelyUnwrapped
                .assumingMemoryBound(to: sockaddr.self)
            return unsafe body(address, length)
        }
    }

    private func write(into bytes: UnsafeMutableRawBufferPointer) -> socklen_t {
        unsafe bytes.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
        switch kind {
        case .local(let path):
            // SAFETY: `unix` took at most 107 bytes, which end at offset 2 + 107 of 128.
            for (index, byte) in path.utf8.enumerated() { unsafe bytes[2 + index] = byte }
            return socklen_t(MemoryLayout<sockaddr_un>.size)
        case .internet(_, let low, let port) where isIPv4:
            // sockaddr_in: family, port, address.
            unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            let bits = UInt32(truncatingIfNeeded: low).bigEndian
            unsafe bytes.storeBytes(of: bits, toByteOffset: 4, as: UInt32.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .internet(let high, let low, let port):
            // sockaddr_in6: family, port, flow, address, scope.
            unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        }
    }

    /// Reads what the kernel wrote; nil for a nameless UNIX-domain peer and other families.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        let read = unsafe withUnsafeBytes(of: storage) { bytes -> SocketAddress? in
            // SAFETY: `sockaddr_storage` is 128 bytes, more than every offset read here.
            unsafe Self.read(UnsafeRawBufferPointer(rebasing: bytes[..<min(128, Int(length))]))
        }
        guard let read else { return nil }
        self = read
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) -> SocketAddress? {
        guard bytes.count >= 2 else { return nil }
        let family = unsafe Int32(bytes.loadUnaligned(as: sa_family_t.self))
        if family == AF_UNIX {
            return unsafe unix(String(decoding: bytes[2...].prefix { $0 != 0 }, as: UTF8.self))
        }
        guard family == AF_INET && bytes.count >= 16 || family == AF_INET6 && bytes.count >= 28
        else { return nil }
        let port = unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        if family == AF_INET {
            let bits = unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            let low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: bits))
            return SocketAddress(high: 0, low: low, port: port)
        }
        let high = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let low = unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        return SocketAddress(high: .init(bigEndian: high), low: .init(bigEndian: low), port: port)
    }
}
