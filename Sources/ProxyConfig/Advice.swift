import ProxyCore
import StickyPolicy

/// What only the whole configuration shows.
struct Advice {
    let findings: Findings

    func give(on draft: Draft) {
        // What is missing because of a mistake is not worth a word beside it.
        guard !findings.hasError else { return }
        let routes = draft.configuration.routes
        for pair in CookieOverlap.find(in: routes, of: draft.configuration.services) {
            let place = findings.describe(draft.routePositions[pair.reachedBy])
            findings.add(
                .warning,
                "the affinity cookie of the route at \(place) reaches this one, of another service",
                at: draft.routePositions[pair.route],
                help: "give one of them another session-cookie-name or session-cookie-path")
        }
        let affinity = AffinityAdvice(findings: findings, configuration: draft.configuration)
        for (route, position) in zip(routes, draft.routePositions) {
            affinity.give(on: route, at: position)
        }
        adviseKeys(draft)
        adviseCertificates(draft)
        adviseNames(draft.configuration)
        if routes.isEmpty, draft.configuration.defaultService == nil, !draft.hasCanaries,
            !findings.files.isEmpty
        {
            findings.advise(
                "there are no routes: every request is answered 404",
                at: Position(file: 0, line: 1, column: 1))
        }
    }

    private func adviseNames(_ configuration: Configuration) {
        let count = Set(configuration.services.lazy.flatMap { $0.named.lazy.map(\.host) }).count
        guard count > Configuration.hostNamesMax else { return }
        findings.add(
            .warning,
            "there are \(count) host names of backends: the first \(Configuration.hostNamesMax) "
                + "in the alphabet are looked up, the others have no addresses",
            at: Position(file: 0, line: 1, column: 1))
    }

    /// What clients have to show can be asked for in TLS only, and by one authority at a time.
    private func adviseCertificates(_ draft: Draft) {
        let listeners = draft.configuration.listenerTLS
        let asking = draft.configuration.routes.firstIndex { $0.clientVerification != nil }
        guard let asking else { return }
        let position = draft.routePositions[asking]
        if listeners.isEmpty {
            findings.add(
                .warning, "no listener speaks TLS: nobody can be asked for a certificate",
                at: position, help: "give a listener 'tls: {}'")
        }
        for (address, tls) in listeners where tls.clientAuthorities != nil {
            findings.add(
                .warning,
                "listener \(address.text) has a 'clientCA': it answers 421 where 'auth-tls-secret' "
                    + "asks for something else", at: position)
        }
    }

    /// Without keys the cookies are sealed with a key that everybody can read in the source.
    private func adviseKeys(_ draft: Draft) {
        guard draft.configuration.cookieKeys.isEmpty else { return }
        let first = draft.configuration.routes.firstIndex { hasCookie($0.affinity) }
        guard first != nil || hasCookie(draft.configuration.defaultAffinity) else { return }
        findings.advise(
            "affinity cookies can be forged: there are no 'cookieKeys'",
            at: first.map { draft.routePositions[$0] } ?? Position(file: 0, line: 1, column: 1))
    }

    private func hasCookie(_ affinity: AffinitySettings) -> Bool {
        if case .cookie = affinity.kind { true } else { false }
    }
}
