internal import Glibc

/// Asks the system for the addresses of a host name: /etc/hosts, name servers, or whatever
/// nsswitch.conf says.
package enum HostLookup {
    package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    /// IPv4 and IPv6 addresses of the families that this machine has, each once, with port 0. It
    /// may take as long as resolv.conf says, which is ten seconds and more for each server.
    package static func addresses(of name: String) -> Result<[SocketAddress], Failure> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var first: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(name, nil, &hints, &first)
        guard code == 0 else {
            return .failure(Failure(describe(code)))
        }
        defer { unsafe freeaddrinfo(first) }
        var found: [SocketAddress] = []
        var next = unsafe first
        // SAFETY: a list of the library's own, which ends with nil and lives until it is freed.
        while let entry = unsafe next {
            if let address = unsafe SocketAddress(entry.pointee), !found.contains(address) {
                found.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return .success(found)
    }

    private static func describe(_ code: Int32) -> String {
        // SAFETY: both return terminated strings, which are copied at once.
        if code == EAI_SYSTEM { return unsafe String(cString: strerror(errno)) }
        return unsafe String(cString: gai_strerror(code))
    }
}

extension SocketAddress {
    fileprivate init?(_ entry: addrinfo) {
        let length = unsafe Int(entry.ai_addrlen)
        guard let address = unsafe entry.ai_addr,
            length <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        var storage = sockaddr_storage()
        // SAFETY: `ai_addr` has `ai_addrlen` bytes, and the storage was found to have room.
        unsafe withUnsafeMutableBytes(of: &storage) { space in
            unsafe space.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
        }
        unsafe self.init(storage, length: entry.ai_addrlen)
    }
}
