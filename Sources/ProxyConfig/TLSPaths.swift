internal import ProxyCore

extension Configuration {
    /// The files with secrets and certificates: what changes in them is as good as a change of the
    /// routes.
    var namedPaths: [String] {
        var paths: [String] = cookieKeys.compactMap { source in
            if case .file(let path) = source { path } else { nil }
        }
        paths += [admin.tokenFile].compactMap(\.self)
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
