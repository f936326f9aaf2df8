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
    /// For each key, the tag over the scope: it stands for the scope in what is signed. Then the
    /// same of the former scope.
    private let scopes: [AuthenticationTag]
    public let keyCount: Int
    private let service: String
    private let formerService: String?
    private let cookieName: String

    /// 16: a rotation needs two or three, and each costs a hash for every forged cookie.
    public static var keysMax: Int { 16 }

    /// Keys of the authenticator beyond `keysMax` are not used.
    ///
    /// - Parameter formerService: what the service was called in tokens that clients still have.
    public init(
        service: String, formerService: String? = nil, cookieName: String,
        authenticator: any MessageAuthenticator
    ) {
        precondition(authenticator.keyCount > 0)
        self.authenticator = authenticator
        self.service = service
        self.formerService = formerService
        self.cookieName = cookieName
        let keyCount = min(authenticator.keyCount, Self.keysMax)
        self.keyCount = keyCount
        scopes = ([service] + [formerService].compactMap(\.self)).flatMap { service in
            (0..<keyCount).map { key in
                let text = framed("scope", service, cookieName)
                return authenticator.tag(over: text.span, key: key)
            }
        }
    }

    /// A number that differs with the scope and with any change of the keys or of their order.
    var fingerprint: UInt64 {
        scopes.reduce(0) { mixed($0 ^ $1.high) }
    }

    /// In how many ways tokens call a backend: one for each key, then the same of the former scope.
    var namingCount: Int { scopes.count }

    /// How tokens of this naming call a backend of the service.
    public func identity(ofBackend name: String, naming: Int) -> UInt64 {
        let service = naming < keyCount ? service : formerService ?? service
        let text = framed("backend", service, cookieName, name)
        return authenticator.tag(over: text.span, key: naming % keyCount).high
    }

    /// Appends the value of a cookie, 52 or 60 characters of base64url, signed with the key 0.
    public func seal(_ token: CookieToken, to writer: inout ByteWriter) {
        var sealed = SealedBytes(token)
        sealed.tag = tag(of: sealed, naming: 0)
        sealed.withBytes { Base64URL.append($0, to: &writer) }
    }

    /// What a cookie value says, and the key that it was signed with; nil when no key verifies it.
    public func open(_ text: Span<UInt8>) -> OpenedToken? {
        guard let sealed = SealedBytes(text: text) else { return nil }
        return open(sealed)
    }

    func open(_ sealed: SealedBytes) -> OpenedToken? {
        for naming in scopes.indices where tag(of: sealed, naming: naming) == sealed.tag {
            return OpenedToken(token: sealed.token, key: naming % keyCount, naming: naming)
        }
        return nil
    }

    /// The tag over the bytes in front of the tag's place, and the scope in that place.
    ///
    /// Nothing else that is signed begins like this: a token begins with its version, which is a
    /// control character, and the texts of scopes and backends with a letter.
    private func tag(of sealed: SealedBytes, naming: Int) -> AuthenticationTag {
        var message = sealed
        message.tag = scopes[naming]
        return message.withBytes { authenticator.tag(over: $0, key: naming % keyCount) }
    }
}

/// A token that was verified.
public struct OpenedToken: Equatable, Sendable {
    public var token: CookieToken
    /// Position of the key that it was signed with.
    public var key: Int
    /// How it calls its backend: see `CookieSealer.identity`.
    let naming: Int

    init(token: CookieToken, key: Int, naming: Int? = nil) {
        self.token = token
        self.key = key
        self.naming = naming ?? key
    }
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
