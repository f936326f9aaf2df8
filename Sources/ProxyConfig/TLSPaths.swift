internal import ProxyCore

extension Configuration {
    /// The files that TLS is made of: what changes in them is as good as a change of the routes.
    package var tlsPaths: [String] {
        var paths: [String] = []
        for tls in listenerTLS.values {
            paths += tls.certificates.flatMap { [$0.certificate.path, $0.key.path, $0.staple] }
                .compactMap(\.self)
            paths += [tls.clientAuthorities?.path].compactMap(\.self) + tls.ticketKeys
        }
        for case let tls? in services.map(\.tls) {
            paths += [tls.authorities, tls.certificate, tls.key].compactMap { $0?.path }
        }
        return Set(paths).sorted()
    }
}
