internal import HTTPParser

/// What hostile clients can put into an affinity decision: cookie tokens, cookie headers, client
/// addresses, and the expression of `upstream-hash-by`. The first byte of the input chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPolicy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer passes `count` bytes at `start` for the length of the call.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let rest = Array(input.dropFirst())
    switch first % 4 {
    case 0: fuzzToken(rest)
    case 1: fuzzCookies(rest)
    case 2: fuzzAddress(rest)
    default: fuzzExpression(rest)
    }
    return 0
}

/// Tags that no input can match but by being one: the words of the message are mixed in.
private struct FuzzAuthenticator: MessageAuthenticator {
    var keyCount: Int { 2 }

    func tag(over message: Span<UInt8>, key: Int) -> AuthenticationTag {
        var hash = SipHash(key: (0x6675_7A7A, UInt64(key)))
        hash.combine(message)
        let word = hash.finalize()
        return AuthenticationTag(high: word, low: mixed(word))
    }
}

private let sealer = CookieSealer(
    service: "shop", cookieName: "route", authenticator: FuzzAuthenticator())
private let ingressNginx = IngressNginxCookie(
    name: "default-http-svc-80", addresses: ["10.0.0.1:8080", "[fd00::1]:8080"])

/// What opens seals to the same text again.
private func fuzzToken(_ value: [UInt8]) {
    if let opened = sealer.open(value.span), opened.key == 0 {
        var writer = ByteWriter(capacity: 128)
        sealer.seal(opened.token, to: &writer)
        precondition(writer.copyBytes() == value)
    }
    if case .backend(let position) = ingressNginx.read(value.span) { precondition(position < 2) }
}

private func head(with fields: [(String, [UInt8])]) -> (RequestHead, [UInt8])? {
    // A line's end within a value would make other lines of it.
    guard !fields.contains(where: { $0.1.contains(0x0D) || $0.1.contains(0x0A) }) else {
        return nil
    }
    var bytes = Array("GET /a;jsessionid=1.b?x=1 HTTP/1.1\r\nHost: a\r\n".utf8)
    for (name, value) in fields { bytes += Array("\(name): ".utf8) + value + [0x0D, 0x0A] }
    bytes += [0x0D, 0x0A]
    let limits = ParserLimits(headBytesMax: 65_536, targetBytesMax: 4_096, fieldCountMax: 64)
    var head = RequestHead()
    var scannedCount = 0
    let progress = try? RequestParser(limits: limits).parse(
        bytes.span, scannedCount: &scannedCount, into: &head)
    guard case .complete = progress else { return nil }
    return (head, bytes)
}

/// Values lie within the lines, and what is left without them has none of them.
private func fuzzCookies(_ value: [UInt8]) {
    guard let (head, bytes) = head(with: [("Cookie", value), ("Cookie", Array("route=x".utf8))])
    else { return }
    let scanner = CookieScanner(name: "route")
    var cursor = CookieScanner.Cursor(in: head)
    var found = 0
    while let range = scanner.next(&cursor, head: head, in: bytes.span) {
        precondition(range.offsets.upperBound <= bytes.count)
        found += 1
    }
    precondition(found > 0)
    // Pairs that came without a space between them leave with one.
    var writer = ByteWriter(capacity: 2 * bytes.count)
    scanner.appendOthers(of: head, in: bytes.span, to: &writer)
    precondition(!writer.hasOverflowed)
    let rest = writer.copyBytes()
    if !rest.isEmpty { precondition(Array(rest.suffix(2)) == [0x0D, 0x0A]) }
    let application = ApplicationCookie(name: "jsessionid")
    _ = application.find(in: head, bytes.span) { $0.count > 3 ? true : nil }
    if let id = application.idSet(by: value.span) { precondition(id.upperBound <= value.count) }
}

/// The walk that is watched comes to the same client.
private func fuzzAddress(_ value: [UInt8]) {
    let network = IPNetwork("0.0.0.0/1")
    for (source, name) in [
        (ClientAddressResolver.Source.xForwardedFor, "X-Forwarded-For"),
        (.forwarded, "Forwarded"), (.xRealIP, "X-Real-IP"),
    ] {
        guard let (head, bytes) = head(with: [(name, value)]) else { return }
        let resolver = ClientAddressResolver(source: source, trusted: network.map { [$0] } ?? [])
        let peer = IPAddress(v4: 1)
        let client = resolver.client(peer: peer, head: head, in: bytes.span)
        precondition(client == resolver.explain(peer: peer, head: head, in: bytes.span).client)
    }
}

/// Whatever can be read can be hashed, and always alike.
private func fuzzExpression(_ text: [UInt8]) {
    guard let expression = try? HashExpression(String(decoding: text, as: UTF8.self)),
        let (head, bytes) = head(with: [("Cookie", Array("a=b".utf8))])
    else { return }
    let reader = KeyReader(expression)
    let client = ClientFacts(address: IPAddress(v4: 7), unixSeconds: 0, monotonicSeconds: 0)
    let keys = (0..<2).map { _ in reader.key(of: head, in: bytes.span, from: client) }
    precondition(keys[0] == keys[1])
}
