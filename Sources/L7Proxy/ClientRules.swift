import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// What the hosts of a configuration ask of their clients (`auth-tls-*`). Immutable, and shared by
/// all workers.
struct ClientRules: Sendable {
    /// One for each way of asking; `TLSClientVerification.number` is a position in it.
    private(set) var rules: [ClientRule] = []
    /// One for each route; empty when no route asks.
    private var routes: [ClientRule?] = []
    /// For the handshakes, by name.
    private(set) var verifications: [TLSVerificationTable.Entry] = []
    /// Authorities that cannot be used.
    private(set) var warnings: [String] = []

    init(_ routes: [Route]) {
        guard routes.contains(where: { $0.clientVerification != nil }) else { return }
        var known: [ClientVerification: ClientRule] = [:]
        var names: Set<String> = []
        for route in routes {
            let rule = route.clientVerification.map { settings in
                known[settings] ?? add(settings, &known)
            }
            self.routes.append(rule)
            let name = ClientRules.name(of: route.host)
            if names.insert(name).inserted { verifications.append((name, rule?.handshake)) }
        }
    }

    private mutating func add(
        _ settings: ClientVerification, _ known: inout [ClientVerification: ClientRule]
    ) -> ClientRule {
        let rule = ClientRule(settings, number: rules.count)
        if let fault = rule.fault { warnings.append("\(fault); its hosts let nobody in") }
        rules.append(rule)
        known[settings] = rule
        return rule
    }

    private static func name(of host: HostPattern) -> String {
        switch host {
        case .any: ""
        case .exact(let name): name
        case .wildcard(let suffix): "*." + suffix
        }
    }

    var isEmpty: Bool { routes.isEmpty }

    /// The rule of the host that a request is for; nil for one that asks for nothing. A path that
    /// only another host's routes or the default service would answer is no way around it.
    ///
    /// - Parameter host: as the client wrote it, without port.
    func rule(ofHost host: Span<UInt8>, in table: RouteTable) -> ClientRule? {
        guard !routes.isEmpty, let route = table.firstRoute(ofHost: host) else { return nil }
        return routes[route]
    }
}

/// One way of asking clients for a certificate.
final class ClientRule: Sendable {
    let settings: ClientVerification
    /// Nil where nobody can be let in.
    let handshake: TLSClientVerification?
    let pattern: RegularExpression?
    /// Why nobody can be.
    let fault: String?

    init(_ settings: ClientVerification, number: Int) {
        self.settings = settings
        pattern = settings.subjectPattern.flatMap { try? RegularExpression($0) }
        do throws(UnusableConfiguration) {
            handshake = try ClientRule.handshake(settings, number: number)
            fault = nil
        } catch {
            handshake = nil
            fault = error.description
        }
    }

    private static func handshake(
        _ settings: ClientVerification, number: Int
    ) throws(UnusableConfiguration) -> TLSClientVerification? {
        // That it is missing was reported when the file was read.
        guard let source = settings.authorities else { return nil }
        var revocations: [UInt8]?
        if let source = settings.revocations {
            revocations = try CertificateStore.bytes(of: source)
        }
        let authorities = try CertificateStore.bytes(of: source)
        do throws(TLSError) {
            return try TLSClientVerification(
                authorities: authorities, revocations: revocations, depth: settings.depth,
                number: number)
        } catch {
            throw UnusableConfiguration(description: "authority \(source.name): \(error)")
        }
    }

    /// What speaks against a client; nil for nothing.
    func objection(to session: TLSSession, subject: String?) -> ClientRefusal? {
        guard let subject else {
            return needsCertificate ? missing : nil
        }
        if let problem = session.peerProblem {
            let isLet =
                settings.mode == .optionalWithoutAuthority && problem.isUnknownAuthority
            if !isLet { return refusal("the client certificate is not accepted") }
        }
        guard let pattern else { return nil }
        let bytes = Array(subject.utf8)
        guard pattern.matches(bytes.span) == true else {
            return ClientRefusal(status: 403, explanation: "client certificate unauthorized")
        }
        return nil
    }

    /// What speaks against a client in the clear, where nobody can be asked.
    var objectionInTheClear: ClientRefusal? { needsCertificate ? missing : nil }

    /// Also where one is optional, but a pattern says whose it must be.
    private var needsCertificate: Bool {
        settings.mode == .required || settings.subjectPattern != nil
    }

    /// No certificate was shown, or none could be.
    private var missing: ClientRefusal { refusal("a client certificate is required here") }

    private func refusal(_ explanation: StaticString) -> ClientRefusal {
        guard let page = settings.errorPage else {
            return ClientRefusal(status: 400, explanation: explanation)
        }
        return ClientRefusal(status: 302, location: Array(page.utf8))
    }
}

/// The answer to a client that a rule keeps out.
struct ClientRefusal {
    var status: UInt16
    var explanation: StaticString = ""
    var location: [UInt8] = []
}
