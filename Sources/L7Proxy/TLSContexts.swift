import ProxyConfig
import ProxyCore
import Transport

/// The TLS of one configuration: for its listeners and for its services. Immutable, and shared by
/// all workers.
struct TLSContexts: Sendable {
    /// Those that speak TLS.
    private(set) var listeners: [ListenerAddress: TLSServerContext] = [:]
    /// By position; nil for backends that are spoken to in the clear.
    private(set) var services: [TLSClientContext?] = []
    /// For backends that are called by host names and have to show them.
    private(set) var named: [NamedService: TLSClientContext] = [:]
    /// What an operator should hear: certificates that end soon, Secrets that are left out.
    private(set) var warnings: [String] = []
    /// Of each certificate that clients are shown, in the order of their names.
    private(set) var expiries: [CertificateExpiry] = []
    let clientRules: ClientRules
    private var store: CertificateStore
    private var noted: Set<String> = []

    /// - Parameters:
    ///   - previous: those in use, which stay where the new ones cannot be used.
    ///   - ticketKeys: for listeners that name no files for theirs.
    ///   - unixSeconds: the time at which certificates should be valid.
    init(
        _ configuration: Configuration, after previous: TLSContexts? = nil,
        ticketKeys: TLSTicketKeys, at unixSeconds: Int64
    ) throws(UnusableConfiguration) {
        var store = CertificateStore(after: previous?.store)
        self.store = store
        clientRules = ClientRules(configuration.routes)
        warnings = clientRules.warnings
        let secrets = readSecrets(of: configuration, &store, at: unixSeconds)
        for (address, tls) in configuration.listenerTLS {
            do throws(UnusableConfiguration) {
                var entries = try certificates(of: tls, &store, at: unixSeconds)
                entries += secrets
                let keys = try TLSContexts.ticketKeys(of: tls) ?? ticketKeys
                listeners[address] = try context(tls, entries, keys)
                if entries.isEmpty {
                    warnings.append("listener \(address.text) has no certificate")
                }
            } catch {
                throw UnusableConfiguration(description: "listener \(address.text): \(error)")
            }
        }
        for service in configuration.services { try addClient(of: service, &store) }
        warnings += store.warnings
        store.finish()
        self.store = store
        expiries.sort { $0.name < $1.name }
    }

    /// Whether some listener has a certificate for this host, which may be a wildcard.
    func hasCertificate(for host: String) -> Bool {
        listeners.values.contains { $0.hasCertificate(for: host) }
    }
}

// Listeners.
extension TLSContexts {
    private mutating func certificates(
        of tls: ListenerTLS, _ store: inout CertificateStore, at unixSeconds: Int64
    ) throws(UnusableConfiguration) -> [TLSServerContext.Entry] {
        var entries: [TLSServerContext.Entry] = []
        for source in tls.certificates {
            let certificate = try store.certificate(source)
            entries.append((certificate, source.hosts))
            note(certificate, source, at: unixSeconds)
        }
        return entries
    }

    /// One bad Secret never stops the proxy: its hosts get the fallback certificate.
    private mutating func readSecrets(
        of configuration: Configuration, _ store: inout CertificateStore, at unixSeconds: Int64
    ) -> [TLSServerContext.Entry] {
        var entries: [TLSServerContext.Entry] = []
        for source in configuration.secretCertificates {
            do throws(UnusableConfiguration) {
                let certificate = try store.certificate(source)
                entries.append((certificate, source.hosts))
                note(certificate, source, at: unixSeconds)
            } catch {
                warnings.append("\(error); its hosts get the fallback certificate")
            }
        }
        return entries
    }

    private mutating func note(
        _ certificate: TLSCertificate, _ source: CertificateSource, at unixSeconds: Int64
    ) {
        let expiry = CertificateExpiry(
            name: source.certificate.name, notAfter: certificate.notAfter)
        // Two listeners may show the same one.
        guard noted.insert(expiry.name).inserted else { return }
        expiries.append(expiry)
        for warning in certificate.warnings(at: unixSeconds) {
            warnings.append("certificate \(source.certificate.name) \(warning)")
        }
    }

    private static func ticketKeys(
        of tls: ListenerTLS
    ) throws(UnusableConfiguration) -> TLSTicketKeys? {
        guard !tls.ticketKeys.isEmpty else { return nil }
        var secrets: [[UInt8]] = []
        for path in tls.ticketKeys { secrets.append(try CertificateStore.bytes(of: .file(path))) }
        do throws(TLSError) {
            return try TLSTicketKeys(secrets)
        } catch {
            throw UnusableConfiguration(description: "\(error)")
        }
    }

    private func context(
        _ tls: ListenerTLS, _ entries: [TLSServerContext.Entry], _ keys: TLSTicketKeys
    ) throws(UnusableConfiguration) -> TLSServerContext {
        var settings = TLSServerSettings(ticketKeys: keys)
        settings.minimumVersion = tls.minimumVersion == .tls13 ? .tls13 : .tls12
        settings.protocols = ["http/1.1"]
        settings.verifications = clientRules.verifications
        if let authorities = tls.clientAuthorities {
            settings.clientAuthorities = try CertificateStore.bytes(of: authorities)
        }
        do throws(TLSError) {
            return try TLSServerContext(settings, entries: entries)
        } catch {
            throw UnusableConfiguration(description: "\(error)")
        }
    }
}

// Services.
extension TLSContexts {
    /// One bad Secret never stops the proxy: its backends are trusted no more.
    private mutating func addClient(
        of service: Service, _ store: inout CertificateStore
    ) throws(UnusableConfiguration) {
        let position = services.count
        try addClient(toAddressesOf: service, &store)
        guard let tls = service.tls, tls.serverName == nil, tls.isUsable else { return }
        for host in Set(service.named.map(\.host)) {
            var named = service
            // A certificate has names without the dot of the root (RFC 6066 §3).
            named.tls?.serverName = host.hasSuffix(".") ? String(host.dropLast()) : host
            self.named[NamedService(position: position, host: host)] =
                try? TLSContexts.client(of: named, &store)
        }
    }

    private mutating func addClient(
        toAddressesOf service: Service, _ store: inout CertificateStore
    ) throws(UnusableConfiguration) {
        do throws(UnusableConfiguration) {
            services.append(try TLSContexts.client(of: service, &store))
        } catch {
            guard let tls = service.tls, !tls.namesFiles else { throw error }
            warnings.append("\(error); no backend of it is trusted")
            var nobody = service
            nobody.tls = UpstreamTLS()
            nobody.tls?.isUsable = false
            services.append(try TLSContexts.client(of: nobody, &store))
        }
    }

    private static func client(
        of service: Service, _ store: inout CertificateStore
    ) throws(UnusableConfiguration) -> TLSClientContext? {
        guard let tls = service.tls else { return nil }
        var settings = TLSClientSettings()
        settings.verifies = tls.verifies
        settings.serverName = tls.serverName
        settings.sendsServerName = tls.sendsServerName
        settings.depth = tls.depth
        settings.ciphers = tls.ciphers
        settings.trustsNobody = !tls.isUsable
        if !tls.versions.contains(.tls12) { settings.minimumVersion = .tls13 }
        if !tls.versions.contains(.tls13) { settings.maximumVersion = .tls12 }
        if let source = tls.authorities {
            settings.authorities = try CertificateStore.bytes(of: source)
        }
        if let certificate = tls.certificate, let key = tls.key {
            settings.certificate = try store.certificate(
                CertificateSource(certificate: certificate, key: key))
        }
        do throws(TLSError) {
            return try TLSClientContext(settings)
        } catch {
            throw UnusableConfiguration(description: "service \(service.name): tls: \(error)")
        }
    }
}

/// A service, and a host name that some of its backends are called by.
struct NamedService: Hashable {
    /// Position in the configuration.
    let position: Int
    let host: String
}

/// When a certificate ends.
struct CertificateExpiry: Sendable, Equatable {
    /// A path, or `Secret default/shop`.
    let name: String
    /// Seconds since 1970.
    let notAfter: Int64
}

extension UpstreamTLS {
    /// Some of it stands in files, which the operator of the proxy has put there.
    fileprivate var namesFiles: Bool {
        [authorities, certificate, key].contains { $0?.path != nil }
    }
}
