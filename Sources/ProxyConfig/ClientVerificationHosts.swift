import ProxyCore

extension Draft {
    /// A certificate is asked for before the path is known: of the routes of one host, the first
    /// that asks speaks for all, as in ingress-nginx.
    mutating func spreadClientVerification() {
        var byHost: [HostPattern: ClientVerification] = [:]
        for route in configuration.routes where byHost[route.host] == nil {
            byHost[route.host] = route.treatment.clientVerification
        }
        guard !byHost.isEmpty else { return }
        for index in configuration.routes.indices {
            let wanted = byHost[configuration.routes[index].host]
            guard configuration.routes[index].clientVerification != wanted else {
                continue
            }
            configuration.routes[index].treatment.clientVerification = wanted
            configuration.routes[index].share(among: &treatments)
        }
    }
}
