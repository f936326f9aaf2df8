import Synchronization

/// The token that the admin listener asks for; a reload may change it under open connections.
final class AdminToken: Sendable {
    private let bytes: Mutex<[UInt8]?>

    /// 16: what a person makes up and a program would guess is shorter.
    private static let byteCountMin = 16

    init(_ token: [UInt8]?) {
        bytes = Mutex(token)
    }

    var current: [UInt8]? { bytes.withLock { $0 } }

    func replace(by token: [UInt8]?) {
        bytes.withLock { $0 = token }
    }

    /// What is in a token file, without the white space at its end.
    static func read(_ path: String?) throws(AdminFailure) -> [UInt8]? {
        guard let path else { return nil }
        var bytes: [UInt8]
        do throws(ConfigurationFiles.Unreadable) {
            bytes = try ConfigurationFiles.bytes(ofFile: path)
        } catch {
            throw AdminFailure(description: "admin: \(error)")
        }
        while let last = bytes.last, last <= UInt8(ascii: " ") { bytes.removeLast() }
        guard bytes.count >= byteCountMin else {
            throw AdminFailure(
                description: "admin: the token in \(path) has \(bytes.count) bytes; at least "
                    + "\(byteCountMin) are needed")
        }
        return bytes
    }
}
