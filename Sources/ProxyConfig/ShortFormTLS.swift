import ProxyCore

/// Reads the `tls` of listeners and services.
struct ShortFormTLS {
    let reader: Reader
    let file: SourceFile

    func listener(_ entry: YAMLEntry) -> ListenerTLS? {
        guard entry.value.text != "off",
            let keys = reader.fields(entry, ShortFormSchema.listenerTLS)
        else { return nil }
        var tls = ListenerTLS()
        if let list = keys["certificates"] {
            tls.certificates = reader.list(list).compactMap(certificate)
        }
        if let entry = keys["minVersion"],
            let version = reader.word(entry, ShortFormWords.tlsVersion)
        {
            tls.minimumVersion = version
        }
        tls.clientAuthorities = keys["clientCA"].flatMap(source)
        if let list = keys["ticketKeys"] {
            tls.ticketKeys = reader.list(list).compactMap(path)
        }
        if let value = keys["hsts"].flatMap(reader.boolean) { tls.sendsHSTS = value }
        return tls
    }

    private func certificate(_ entry: YAMLEntry) -> CertificateSource? {
        guard let keys = reader.fields(entry, ShortFormSchema.certificate),
            let pair = pair(keys, at: entry.value.position)
        else { return nil }
        var source = CertificateSource(certificate: pair.certificate, key: pair.key)
        source.staple = keys["ocsp"].flatMap(path)
        return source
    }

    /// Both of a certificate and its key; a missing one is reported.
    private func pair(
        _ keys: Fields, at position: Position
    ) -> (certificate: PEMSource, key: PEMSource)? {
        guard let certificate = keys["certificate"], let key = keys["key"] else {
            reader.fault("a certificate needs both 'certificate' and 'key'", at: position)
            return nil
        }
        guard let certificate = source(certificate), let key = source(key) else { return nil }
        return (certificate, key)
    }

    func service(_ entry: YAMLEntry) -> UpstreamTLS? {
        guard entry.value.text != "off", let keys = reader.fields(entry, ShortFormSchema.serviceTLS)
        else { return nil }
        var tls = UpstreamTLS()
        if let verify = keys["verify"].flatMap(reader.boolean) { tls.verifies = verify }
        tls.authorities = keys["ca"].flatMap(source)
        if let entry = keys["serverName"] { tls.serverName = serverName(entry) }
        if keys["certificate"] != nil || keys["key"] != nil {
            let pair = pair(keys, at: entry.value.position)
            tls.certificate = pair?.certificate
            tls.key = pair?.key
        }
        return tls
    }

    private func serverName(_ entry: YAMLEntry) -> String? {
        let name = entry.value.text ?? ""
        guard case .exact(let host) = RouteText.host(name), !host.hasPrefix("[") else {
            reader.fault(entry, mustBe: "a host name such as shop.internal")
            return nil
        }
        return host
    }

    private func source(_ entry: YAMLEntry) -> PEMSource? {
        path(entry).map { .file($0) }
    }

    /// A file that cannot be read is reported where it is named.
    private func path(_ entry: YAMLEntry) -> String? {
        guard let path = reader.text(entry).map(file.resolve) else { return nil }
        if let fault = reader.findings.pathFault?(path) {
            reader.fault("\(quoted(entry.key)): \(fault)", at: entry.value.position)
        }
        return path
    }
}
