import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// What is decided about a request head before a byte of it is sent: how its body ends, where it
/// goes and why, what the backend is told. It is handed over part by part, and never copied.
struct RequestArrival: ~Copyable {
    let framing: BodyFraming
    let options: ConnectionOptions
    var facts = Exchange.RequestFacts()
    var forwarding: RequestForwarding
    var choice: Choice?
    /// Position of the route that it matches.
    private(set) var routePosition: Int?
    /// What a 101 would have to say; nil when none may come.
    var expectedUpgrade: UpgradeExpectation?
    /// The status of a request that no backend is to see.
    var refusal: UInt16?
    /// More about a refusal than its status says.
    private(set) var refusalDetail: RefusalDetail?

    init(
        _ head: borrowing RequestHead, in bytes: Span<UInt8>, from client: ClientConnection,
        under configuration: WorkerConfiguration
    ) throws(ParseError) {
        let framing = try MessageFraming.ofRequest(head, in: bytes)
        let hopsLeft = head.method == .options ? try MaxForwards.value(of: head, in: bytes) : nil
        options = try ConnectionOptions(head.fields, in: bytes)
        self.framing = framing
        let resolver = configuration.resolver
        let address = resolver.client(peer: client.peer, head: head, in: bytes)
        forwarding = RequestForwarding(peer: client.peer, client: address)
        forwarding.peerIsTrusted = resolver.isTrusted(client.peer)
        forwarding.localPort = client.localPort
        forwarding.framing = framing
        if let security = client.security {
            forwarding.isSecure = true
            forwarding.certificateFields = security.certificateFields
        }
        noteFacts(of: head)
        facts.acceptsTrailers = TrailerOffer.isMade(by: head, options: options, in: bytes)
        forwarding.acceptsTrailers = facts.acceptsTrailers
        refusal = refusal(of: head, in: bytes, from: client, within: configuration.limits)
        if let hopsLeft { noteHopsLeft(hopsLeft) }
        if refusal == nil { route(head, in: bytes, from: client, under: configuration) }
    }

    private mutating func noteFacts(of head: RequestHead) {
        facts.method = head.method
        facts.version = head.version
        facts.hasBody = !framing.isNone
        // Connection may nominate trailer fields, too (RFC 9110 §7.6.1): then none is passed.
        forwarding.passesTrailers = framing.isChunked && !options.hasOtherTokens
        facts.wantsKeepAlive = options.persists(in: head.version)
        // Any other expectation is refused below.
        forwarding.passesExpectation = head.version == .http11
        facts.expectsContinue = head.version == .http11 && head.fields.contains(.expect)
    }

    /// RFC 9110 §7.6.2: an OPTIONS that may go no further is answered here.
    private mutating func noteHopsLeft(_ hops: UInt32) {
        if hops > 0 {
            forwarding.maxForwards = hops - 1
        } else if refusal == nil {
            refusal = 200
        }
    }

    /// What the request offers to become, if that is for its route to pass on.
    private mutating func noteUpgrade(
        of head: RequestHead, in bytes: Span<UInt8>, allowed: [[UInt8]]
    ) {
        guard !facts.hasBody,
            let offer = UpgradeRule.offer(head, options: options, in: bytes, allowed: allowed)
        else { return }
        facts.offersUpgrade = true
        forwarding.upgrade = offer
        let token = bytes.extracting(offer.offsets)
        var accept: [UInt8]?
        if UpgradeRule.isWebSocket(token), let key = head.fields.first(.secWebSocketKey) {
            accept = WebSocketAccept.value(for: bytes.extracting(key.value.offsets))
        }
        expectedUpgrade = UpgradeExpectation(
            name: token.indices.map { token[$0] }, webSocketAccept: accept)
    }

    private func refusal(
        of head: RequestHead, in bytes: Span<UInt8>, from client: ClientConnection,
        within limits: Limits
    ) -> UInt16? {
        if client.isOnWrongPort { return 400 }
        // RFC 9110 §15.5.20.
        if let security = client.security,
            !security.admits(host: bytes.extracting(head.host.offsets))
        {
            return 421
        }
        // We are a gateway and no tunnel to anywhere (RFC 9110 §9.3.6). TRACE would send a
        // client's credentials, and what we add, back to whoever can read the answer (§9.3.8).
        if head.method == .connect || head.method == .trace { return 405 }
        // RFC 9110 §10.1.1: there is one expectation.
        if let expect = head.fields.first(.expect),
            head.fields.isRepeated(.expect)
                || !bytes.extracting(expect.value.offsets).equalsIgnoringCase("100-continue")
        {
            return 417
        }
        if case .length(let count) = framing, limits.requestBody > 0, count > limits.requestBody {
            return 413
        }
        return nil
    }

    private mutating func route(
        _ head: RequestHead, in bytes: Span<UInt8>, from client: ClientConnection,
        under configuration: WorkerConfiguration
    ) {
        let snapshot = configuration.snapshot
        let host = bytes.extracting(head.host.offsets)
        // `OPTIONS *` asks a server as a whole, so only a rule for all of it applies.
        let range = head.targetForm == .asterisk ? ByteRange.empty : head.path
        let path = bytes.extracting(range.offsets)
        let match = snapshot.routeTable.resolve(host: host, path: path)
        if case .route(let position) = match { routePosition = position }
        guard let plan = snapshot.plan(of: match) else {
            refusal = match == .ambiguous ? 400 : 404
            return
        }
        let isSecure = clientIsSecure(head, in: bytes)
        if snapshot.needsTLS(match) && !isSecure {
            refusal = 308
            refusalDetail = RefusalDetail(
                location: secureLocation(
                    of: head, in: bytes, port: snapshot.port(inTLS: true) ?? 443))
            return
        }
        if let objection = snapshot.objection(to: client.security, ofHost: host) {
            refusal = objection.status
            refusalDetail = RefusalDetail(
                location: objection.location, explanation: objection.explanation)
            // Another connection may do: one that asked for this name, or after a reload.
            if objection.status == 421 { facts.wantsKeepAlive = false }
            return
        }
        if options.upgrade {
            let allowed = snapshot.upgradeProtocols(of: match)
            noteUpgrade(of: head, in: bytes, allowed: allowed)
        }
        let worker = client.worker
        forwarding.requestID = (worker.random.next(), worker.random.next())
        self.facts.attemptsMax = plan.retry.attemptsMax
        self.facts.replacesStale = plan.retry.allows(.error)
        var facts = ClientFacts(
            address: forwarding.client, unixSeconds: worker.loop.unixSeconds,
            monotonicSeconds: worker.monotonicSeconds)
        facts.isSecure = forwarding.isSecure
        facts.localPort = forwarding.localPort
        configuration.noteHealth(at: worker.loop.now)
        guard let choice = configuration.choose(plan, head, in: bytes, from: facts) else {
            refusal = 503
            return
        }
        choice.isSecure = isSecure
        choice.chosenAt = worker.loop.now
        forwarding.strippedCookie = choice.affinity.strippedCookie
        forwarding.sessionMoved = choice.selection.wasMoved
        self.choice = choice
    }

    /// The same place in TLS. A client that names a port sees ours as they are; one that names none
    /// sees the ones that everybody knows.
    private func secureLocation(
        of head: RequestHead, in bytes: Span<UInt8>, port: UInt16
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count + 64)
        writer.append("https://")
        writer.append(bytes, head.host)
        let namesPort = head.authority.count > head.host.count
        if namesPort && port != 443 {
            writer.append(UInt8(ascii: ":"))
            writer.append(decimal: UInt64(port))
        }
        writer.append(bytes, head.path)
        if !head.query.isEmpty {
            writer.append(UInt8(ascii: "?"))
            writer.append(bytes, head.query)
        }
        return writer.copyBytes()
    }

    /// By our own connection, or by the word of a trusted peer.
    private func clientIsSecure(_ head: RequestHead, in bytes: Span<UInt8>) -> Bool {
        guard forwarding.peerIsTrusted, let field = head.fields.first(.xForwardedProto) else {
            return forwarding.isSecure
        }
        return bytes.extracting(field.value.offsets).equalsIgnoringCase("https")
    }
}
