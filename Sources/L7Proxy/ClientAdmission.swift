import ProxyCore

extension ConfigSnapshot {
    /// What speaks against a request for this host on a connection with this security; nil for
    /// nothing. What a client proved, it proved to the hosts that ask for the same.
    func objection(to security: ClientSecurity?, ofHost host: Span<UInt8>) -> ClientRefusal? {
        guard !clientRules.isEmpty else { return nil }
        let rule = clientRules.rule(ofHost: host, in: routeTable)
        if let rule, rule.handshake == nil { return ClientRefusal(status: 503) }
        guard let security else { return rule?.objectionInTheClear }
        guard security.rule?.settings == rule?.settings else { return ClientRefusal(status: 421) }
        return security.objection
    }
}
