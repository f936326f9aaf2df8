internal import Glibc

/// A system call that failed, and why.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    package var call: StaticString
    /// An `errno` number.
    package var code: Int32

    package init(call: StaticString, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Reads `errno`: to be called at once after the call that failed.
    static func last(_ call: StaticString) -> SystemError {
        SystemError(call: call, code: errno)
    }

    /// The process or the machine has run out of descriptors or of memory: trying again at once
    /// cannot help, and is not the peer's fault.
    /// Something of this machine has run out: no peer is to blame. With EADDRNOTAVAIL it is the
    /// local ports for one destination.
    package var isExhaustion: Bool { isResourceExhaustion || code == EADDRNOTAVAIL }

    package var isResourceExhaustion: Bool {
        code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
    }

    package var description: String {
        guard let text = unsafe strerror(code) else { return "\(call): error \(code)" }
        // SAFETY: strerror's text ends in 0 and stays until this thread's next call of it.
        return unsafe "\(call): \(String(cString: text))"
    }

    package static func == (left: SystemError, right: SystemError) -> Bool {
        left.code == right.code && left.call.description == right.call.description
    }
}

/// What a read or a write came to. A result and not an error: that nothing is there now is daily
/// business and must not unwind.
package enum IOResult: Sendable, Equatable {
    /// So many bytes were moved, at least one.
    case bytes(Int)
    case wouldBlock
    /// The peer sends nothing more.
    case endOfStream
    case failed(SystemError)
}

/// EPIPE: the sending side is closed.
let brokenPipe = EPIPE
/// ECONNRESET: the peer is gone without a word.
let connectionReset = ECONNRESET
/// ENOBUFS: no room is left.
let noBufferSpace = ENOBUFS
