import Glibc

extension Wire {
    /// A connection to a port of 127.0.0.1.
    ///
    /// - Parameter owner: whatever has to live as long as this end does.
    convenience init(connectingTo port: UInt16, owner: (any AnyObject & Sendable)? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw WireError.failed(call: "socket", code: errno) }
        self.init(adopting: descriptor, owner: owner)
        try connectLoopback(descriptor, port: port)
    }

    /// The answer to a GET of the admin listener.
    func asks(_ target: String) throws -> Message {
        try send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try readMessage()
    }
}
