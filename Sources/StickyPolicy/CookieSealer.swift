public import HTTPParser

/// Seals tokens into cookie values, and opens them again, for one scope.
///
/// The scope is the name of the service and of the cookie. A token of another service is as good
/// as forged: its backends are not ours. Two routes to one service under one cookie name do accept
/// each other's cookies: a browser mixes them up where their paths overlap, and both name the same
/// backends. Under another name a token is refused, so that a client cannot carry a session to a
/// route with another age limit by renaming its cookie.
public struct CookieSealer: Sendable {
    private let authenticator: any MessageAuthenticator
    /// For each key, the tag over the scope: it stands for the scope in what is signed.
    private let scopes: [AuthenticationTag]
    private let service: String
    private let cookieName: String

    /// 16: a rotation needs two or three, and each costs a hash for every forged cookie.
    public static var keysMax: Int { 16 }

    /// Keys of the authenticator beyond `keysMax` are not used.
    public init(service: String, cookieName: String, authenticator: any MessageAuthenticator) {
        precondition(authenticator.keyCount > 0)
        self.authenticator = authenticator
        self.service = service
        self.cookieName = cookieName
        scopes = (0..<min(authenticator.keyCount, Self.keysMax)).map { key in
            let text = framed("scope", service, cookieName)
            return authenticator.tag(over: text.span, key: key)
        }
    }

    public var keyCount: Int { scopes.count }

    /// A number that differs with the scope and with any change of the keys or of their order.
    var fingerprint: UInt64 {
        scopes.reduce(0) { mixed($0 ^ $1.high) }
    }

    /// How tokens under this key call a backend of the service.
    public func identity(ofBackend name: String, key: Int) -> UInt64 {
        let text = framed("backend", service, cookieName, name)
        return authenticator.tag(over: text.span, key: key).high
    }

    /// Appends the value of a cookie, 52 or 60 characters of base64url, signed with the key 0.
    public func seal(_ token: CookieToken, to writer: inout ByteWriter) {
        var sealed = SealedBytes(token)
        sealed.tag = tag(of: sealed, key: 0)
        sealed.withBytes { Base64URL.append($0, to: &writer) }
    }

    /// What a cookie value says, and the key that it was signed with; nil when no key verifies it.
    public func open(_ text: Span<UInt8>) -> OpenedToken? {
        guard let sealed = SealedBytes(text: text) else { return nil }
        return open(sealed)
    }

    func open(_ sealed: SealedBytes) -> OpenedToken? {
        for key in scopes.indices where tag(of: sealed, key: key) == sealed.tag {
            return OpenedToken(token: sealed.token, key: key)
        }
        return nil
    }

    /// The tag over the bytes in front of the tag's place, and the scope in that place.
    ///
    /// Nothing else that is signed begins like this: a token begins with its version, which is a
    /// control character, and the texts of scopes and backends with a letter.
    private func tag(of sealed: SealedBytes, key: Int) -> AuthenticationTag {
        var message = sealed
        message.tag = scopes[key]
        return message.withBytes { authenticator.tag(over: $0, key: key) }
    }
}

/// A token that was verified.
public struct OpenedToken: Equatable, Sendable {
    public var token: CookieToken
    /// Position of the key that it was signed with.
    public var key: Int
}

/// A message of several texts that no other texts make: each has its length in front.
private func framed(_ label: String, _ parts: String...) -> [UInt8] {
    var message = Array(label.utf8)
    for part in parts {
        let bytes = Array(part.utf8)
        message.append(contentsOf: "\(bytes.count):".utf8)
        message.append(contentsOf: bytes)
    }
    return message
}
