internal import CSSL
internal import Synchronization

/// The keys of session tickets (RFC 8446 §4.6.1, RFC 5077): one set for all loops, so that a
/// client may resume on any of them, and on any replica that has the same files.
///
/// Keys of its own it replaces as time goes by: whoever takes the newest key away cannot read what
/// was said a day before. Keys from files change when the files do.
package final class TLSTicketKeys: Sendable {
    /// Name, MAC key and cipher key, in the order in which nginx lays them out.
    package static let byteCount = 80

    struct Key: Sendable {
        var name: [UInt8]
        var macKey: [UInt8]
        var cipherKey: [UInt8]
        /// Of the monotonic clock.
        var made: UInt64

        fileprivate init(_ bytes: [UInt8], made: UInt64) {
            name = Array(bytes[0..<16])
            macKey = Array(bytes[16..<48])
            cipherKey = Array(bytes[48..<80])
            self.made = made
        }
    }

    /// The first encrypts, all decrypt.
    private let keys: Mutex<[Key]>
    private let rotates: Bool
    /// Half a ticket's life: with three keys, a ticket can be read for as long as it is valid.
    static let rotationNanoseconds: UInt64 = 12 * 3600 * 1_000_000_000
    private static let ownKeysMax = 3

    /// Keys of its own.
    package init() {
        rotates = true
        keys = Mutex([Self.makeKey(at: MonotonicTime.now().nanoseconds)])
    }

    /// Keys that somebody else rotates, each of 80 bytes; at least one.
    package init(_ secrets: [[UInt8]]) throws(TLSError) {
        rotates = false
        for secret in secrets where secret.count != Self.byteCount {
            throw TLSError("a ticket key has \(secret.count) bytes; it must have 80")
        }
        guard !secrets.isEmpty else { throw TLSError("there is no ticket key") }
        keys = Mutex(secrets.map { Key($0, made: 0) })
    }

    /// One key on its way to another process.
    package struct Copy: Sendable, Equatable {
        /// 80 of them.
        package let bytes: [UInt8]
        /// Nanoseconds of the monotonic clock, which all processes of a machine share.
        package let made: UInt64

        package init(bytes: [UInt8], made: UInt64) {
            self.bytes = bytes
            self.made = made
        }
    }

    /// The keys of our own, for the process that takes our place; none from files.
    package var copies: [Copy] {
        guard rotates else { return [] }
        return keys.withLock { keys in
            keys.map { Copy(bytes: $0.name + $0.macKey + $0.cipherKey, made: $0.made) }
        }
    }

    /// Goes on with the keys of the process whose place this one takes.
    package func take(_ copies: [Copy]) {
        let taken = copies.filter { $0.bytes.count == Self.byteCount }
            .map { Key($0.bytes, made: $0.made) }
        guard rotates, !taken.isEmpty else { return }
        keys.withLock { $0 = Array(taken.prefix(Self.ownKeysMax)) }
    }

    private static func makeKey(at now: UInt64) -> Key {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        // SAFETY: the array's own memory and count.
        let isFilled = unsafe bytes.withUnsafeMutableBytes { space in
            unsafe RAND_bytes(space.baseAddress?.assumingMemoryBound(to: UInt8.self), 80) == 1
        }
        precondition(isFilled, "the system has no randomness")
        return Key(bytes, made: now)
    }

    /// The key for a new ticket.
    func newest(at now: UInt64) -> Key {
        keys.withLock { keys in
            if rotates, now > keys[0].made, now - keys[0].made >= Self.rotationNanoseconds {
                keys.insert(Self.makeKey(at: now), at: 0)
                keys = Array(keys.prefix(Self.ownKeysMax))
            }
            return keys[0]
        }
    }

    /// The key of a ticket, and whether its holder should get a new one.
    func key(named name: UnsafeBufferPointer<UInt8>) -> (key: Key, isOld: Bool)? {
        keys.withLock { keys in
            // SAFETY: the caller lends the name for the time of this call.
            guard let index = keys.firstIndex(where: { unsafe $0.name.elementsEqual(name) })
            else { return nil }
            return (keys[index], index > 0)
        }
    }
}

extension TLSTicketKeys {
    /// What OpenSSL asks for each ticket: 1 to go on, 2 to go on and give out a new ticket, 0 for a
    /// ticket that nobody here can read, -1 to fail.
    func prepare(_ ticket: Ticket, encrypts: Bool) -> Int32 {
        encrypts ? seal(ticket) : open(ticket)
    }

    /// OpenSSL's side of one ticket: 16 bytes of name, 16 of vector, and the two states to set up.
    @safe
    struct Ticket {
        let name: UnsafeMutablePointer<UInt8>
        let vector: UnsafeMutablePointer<UInt8>
        let cipher: OpaquePointer?
        let mac: OpaquePointer?
    }

    private func seal(_ ticket: Ticket) -> Int32 {
        let key = newest(at: MonotonicTime.now().nanoseconds)
        // SAFETY: OpenSSL lends 16 bytes for the name and 16 for the vector, which AES takes.
        guard unsafe RAND_bytes(ticket.vector, 16) == 1 else { return -1 }
        for (index, byte) in key.name.enumerated() { unsafe ticket.name[index] = byte }
        return unsafe cssl_ticket_prepare(
            ticket.cipher, ticket.mac, key.cipherKey, key.macKey, ticket.vector, 1) == 1 ? 1 : -1
    }

    private func open(_ ticket: Ticket) -> Int32 {
        // SAFETY: OpenSSL shows the 16 bytes of the name.
        let name = unsafe UnsafeBufferPointer(start: ticket.name, count: 16)
        guard let (key, isOld) = unsafe key(named: name) else { return 0 }
        let isReady =
            unsafe cssl_ticket_prepare(
                ticket.cipher, ticket.mac, key.cipherKey, key.macKey, ticket.vector, 0) == 1
        guard isReady else { return -1 }
        return isOld ? 2 : 1
    }
}
