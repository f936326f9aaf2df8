internal import CLinux
internal import CSSL
internal import Glibc

/// The socket below a TLS session, with what is known of its readiness.
///
/// It stands in the place of OpenSSL's own socket BIO, for two reasons: a receive that comes short
/// has emptied the socket and costs no second call to find that out, and records of one send leave
/// together.
final class TLSWire {
    /// The connection owns the descriptor; -1 until there is one, and when it is gone.
    var descriptor: Int32 = -1
    var isReadable = false
    var isWritable = false
    /// The kernel has told the end, which makes no new edge.
    var peerHasClosed = false
    /// More follows at once: the kernel may wait with a segment that is not full.
    var hasMore = false
    /// What broke the socket; 0 while nothing has.
    var errorCode: Int32 = 0

    /// As `read(2)`; -1 also for a socket that is known to be empty.
    fileprivate func read(into space: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
        guard isReadable, count > 0 else { return -1 }
        while true {
            // SAFETY: OpenSSL lends `count` bytes for the time of this call.
            let received = unsafe clinux_receive(descriptor, space, UInt(count))
            if received >= 0 {
                if received < count && !peerHasClosed { isReadable = received == 0 }
                return Int32(received)
            }
            if errno == EINTR { continue }
            isReadable = false
            if errno != EAGAIN { errorCode = errno }
            return -1
        }
    }

    /// As `write(2)`; -1 also for a socket that is known to be full.
    fileprivate func write(_ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
        guard isWritable, count > 0 else { return -1 }
        let flags = Int32(MSG_NOSIGNAL | (hasMore ? MSG_MORE : 0))
        while true {
            // SAFETY: OpenSSL lends `count` bytes for the time of this call.
            let sent = unsafe clinux_send(descriptor, bytes, UInt(count), flags)
            if sent >= 0 {
                if sent < count { isWritable = false }
                return Int32(sent)
            }
            if errno == EINTR { continue }
            isWritable = false
            if errno != EAGAIN { errorCode = errno }
            return -1
        }
    }
}

// The library's side.
extension TLSWire {
    /// A BIO over this wire, which must outlive it.
    func makeBIO() -> OpaquePointer? {
        guard let bio = unsafe BIO_new(wireMethod.method) else { return nil }
        // SAFETY: the session that owns both frees the BIO first.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }
}

/// The functions that OpenSSL calls, made once and never freed.
@safe
private struct WireMethod: @unchecked Sendable {
    let method: OpaquePointer?

    init() {
        // SAFETY: the method is written to here only, and read from then on.
        unsafe method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection")
        unsafe BIO_meth_set_read(method, readWire)
        unsafe BIO_meth_set_write(method, writeWire)
        unsafe BIO_meth_set_ctrl(method, controlWire)
    }
}

private let wireMethod = WireMethod()

private func wire(of bio: OpaquePointer?) -> TLSWire? {
    // SAFETY: `makeBIO` set the pointer, and the wire outlives its BIO.
    guard let data = unsafe BIO_get_data(bio) else { return nil }
    return unsafe Unmanaged<TLSWire>.fromOpaque(data).takeUnretainedValue()
}

private func readWire(
    _ bio: OpaquePointer?, _ space: UnsafeMutablePointer<CChar>?, _ count: Int32
) -> Int32 {
    unsafe cssl_bio_clear_retry(bio)
    guard let wire = unsafe wire(of: bio) else { return -1 }
    let result = unsafe wire.read(into: space, count)
    if result < 0 && wire.errorCode == 0 { unsafe cssl_bio_set_retry_read(bio) }
    return result
}

private func writeWire(
    _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32
) -> Int32 {
    unsafe cssl_bio_clear_retry(bio)
    guard let wire = unsafe wire(of: bio) else { return -1 }
    let result = unsafe wire.write(bytes, count)
    if result < 0 && wire.errorCode == 0 { unsafe cssl_bio_set_retry_write(bio) }
    return result
}

/// Nothing is held back here, so that a flush has always succeeded.
private func controlWire(
    _ bio: OpaquePointer?, _ command: Int32, _ number: Int, _ argument: UnsafeMutableRawPointer?
) -> Int {
    command == BIO_CTRL_FLUSH ? 1 : 0
}
