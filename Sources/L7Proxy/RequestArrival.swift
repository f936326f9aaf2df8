import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// What is decided about a request head before a byte of it is sent: how its body ends, where it
/// goes and why, what the backend is told.
struct RequestArrival {
    let framing: BodyFraming
    let options: ConnectionOptions
    var facts = Exchange.RequestFacts()
    var forwarding: RequestForwarding
    var choice: Choice?
    /// The status of a request that no backend is to see.
    var refusal: UInt16?

    init(
        _ head: RequestHead, in bytes: Span<UInt8>, from client: ClientConnection
    ) throws(ParseError) {
        framing = try MessageFraming.ofRequest(head, in: bytes)
        options = try ConnectionOptions(head.fields, in: bytes)
        let configuration = client.configuration
        let resolver = configuration.resolver
        let address = resolver.client(peer: client.peer, head: head, in: bytes)
        forwarding = RequestForwarding(peer: client.peer, client: address)
        forwarding.peerIsTrusted = resolver.isTrusted(client.peer)
        forwarding.localPort = client.localPort
        forwarding.framing = framing
        noteFacts(of: head, in: bytes)
        refusal = refusal(of: head, limits: configuration.limits)
        if refusal == nil { route(head, in: bytes, from: client) }
    }

    private mutating func noteFacts(of head: RequestHead, in bytes: Span<UInt8>) {
        facts.method = head.method
        facts.version = head.version
        facts.hasBody = framing != .none
        facts.wantsKeepAlive = head.version == .http11 ? !options.close : options.keepAlive
        facts.offersUpgrade =
            !facts.hasBody && UpgradeRule.mayPass(head, options: options, in: bytes)
        forwarding.passesUpgrade = facts.offersUpgrade
        if let expect = head.fields.first(.expect) {
            facts.expectsContinue =
                bytes.extracting(expect.value.offsets).equalsIgnoringCase("100-continue")
        }
    }

    private func refusal(of head: RequestHead, limits: Limits) -> UInt16? {
        // We are a gateway and no tunnel to anywhere (RFC 9110 §9.3.6).
        if head.method == .connect { return 405 }
        if case .length(let count) = framing, limits.requestBody > 0, count > limits.requestBody {
            return 413
        }
        return nil
    }

    private mutating func route(
        _ head: RequestHead, in bytes: Span<UInt8>, from client: ClientConnection
    ) {
        let configuration = client.configuration
        let host = bytes.extracting(head.host.offsets)
        // `OPTIONS *` asks a server as a whole, so only a rule for all of it applies.
        let range = head.targetForm == .asterisk ? ByteRange.empty : head.path
        let path = bytes.extracting(range.offsets)
        guard let affinity = configuration.snapshot.affinity(host: host, path: path) else {
            refusal = 404
            return
        }
        let worker = client.worker
        forwarding.requestID = (worker.random.next(), worker.random.next())
        let facts = ClientFacts(
            address: forwarding.client, unixSeconds: worker.loop.unixSeconds,
            monotonicSeconds: worker.monotonicSeconds)
        guard var choice = configuration.choose(affinity, head, in: bytes, from: facts) else {
            refusal = 503
            return
        }
        choice.isSecure = clientIsSecure(head, in: bytes)
        forwarding.sessionMoved = choice.selection.wasMoved
        self.choice = choice
    }

    /// By our own connection, or by the word of a trusted peer.
    private func clientIsSecure(_ head: RequestHead, in bytes: Span<UInt8>) -> Bool {
        guard forwarding.peerIsTrusted, let field = head.fields.first(.xForwardedProto) else {
            return forwarding.isSecure
        }
        return bytes.extracting(field.value.offsets).equalsIgnoringCase("https")
    }
}
