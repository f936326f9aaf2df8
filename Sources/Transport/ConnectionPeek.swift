internal import Glibc

/// Looking at what has arrived without taking it: for a preamble whose length is not known before
/// it was read, and behind which something else begins that another reader must find whole.
extension Connection {
    /// The bytes that wait, up to the size of `space`. They stay with the kernel, and when more
    /// come the handler is called again.
    package func peek(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        guard isReadable else { return .wouldBlock }
        return unsafe socket.peek(into: space)
    }
}

extension Socket {
    fileprivate func peek(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            // SAFETY: the caller lends `space` for the time of this call, with its true length.
            let count = unsafe recv(
                descriptor, space.baseAddress, space.count, Int32(MSG_PEEK | MSG_DONTWAIT))
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            let code = errno
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            if code != EINTR { return .failed(SystemError(call: "recv", code: code)) }
        }
    }
}
