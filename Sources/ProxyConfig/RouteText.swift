import ProxyCore
import StickyPolicy

/// Hosts and paths of routes, as both forms of the file write them.
enum RouteText {
    static let hostExpected = "a host name such as shop.example.com or *.example.com"
    static let pathExpected = "a path of visible ASCII characters that begins with '/'"

    static let pathTypes = Words<PathType>(
        supported: PathType.allCases.map { ($0.rawValue, $0) })

    /// Nil when the text is no host name.
    static func host(_ text: String) -> HostPattern? {
        // Of text that is in lower case already no second one is kept.
        let hasCapitals = text.utf8.contains { $0 &- UInt8(ascii: "A") < 26 || $0 >= 0x80 }
        let lower = hasCapitals ? text.lowercased() : text
        if lower.hasPrefix("*.") {
            let suffix = String(lower.dropFirst(2))
            return isName(suffix) ? .wildcard(suffix: suffix) : nil
        }
        if lower.hasPrefix("["), lower.hasSuffix("]") {
            return IPAddress(String(lower.dropFirst().dropLast())) != nil ? .exact(lower) : nil
        }
        return isName(lower) ? .exact(lower) : nil
    }

    /// RFC 1123 §2.1 labels; underscores are tolerated, as they are in the wild.
    static func isName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        // Byte by byte: characters cost a hundred times as much, and files have thousands of hosts.
        var labelLength = 0
        var last = UInt8(ascii: ".")
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard labelLength > 0, last != UInt8(ascii: "-") else { return false }
                labelLength = 0
            } else {
                labelLength += 1
                let isFirst = labelLength == 1
                guard isNameByte(byte), labelLength <= 63,
                    !(isFirst && byte == UInt8(ascii: "-"))
                else { return false }
            }
            last = byte
        }
        return labelLength > 0 && last != UInt8(ascii: "-")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2D, 0x5F: true
        default: false
        }
    }

    static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 4_096
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Whether a pattern of this text matches it, and hardly more than what begins with it.
    static func isPlainPattern(_ path: String) -> Bool {
        path.utf8.allSatisfy { byte in
            switch byte {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
            case 0x2D, 0x2E, 0x2F, 0x5F, 0x7E: true
            default: false
            }
        }
    }
}
