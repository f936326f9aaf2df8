import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@Suite("Certificates in annotations")
struct TLSAnnotationsTests {
    private func ingress(_ annotations: String, host: String = "a.test", name: String = "i")
        -> String
    {
        """
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: \(name), annotations: {\(annotations)}}
        spec:
          rules:
            - host: \(host)
              http: {paths: [{path: /\(name), backend: {service: {name: s, port: {number: 80}}}}]}

        """
    }

    /// Q0E= is CA, Q1JU CRT, S0VZ KEY.
    private let objects = """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: s}
        spec: {ports: [{port: 80, nodePort: 30080}]}
        ---
        {apiVersion: v1, kind: Secret, metadata: {name: ca}, data: {ca.crt: Q0E=, ca.crl: Q1JM}}
        ---
        {apiVersion: v1, kind: Secret, metadata: {name: crl}, data: {ca.crt: Q0E=, ca.crl: "?"}}
        ---
        {apiVersion: v1, kind: Secret, metadata: {name: pair}, data: {tls.crt: Q1JU, tls.key: S0VZ}}
        ---
        {apiVersion: v1, kind: Secret, metadata: {name: empty}, data: {other: ""}}
        ---
        nodes: [10.0.0.1]
        listeners: [{address: 0.0.0.0:8443, tls: {}}]

        """

    private func routes(_ text: String) throws -> (Configuration, [String]) {
        let result = load(text + objects)
        return (try #require(result.configuration), result.diagnostics.map(\.message))
    }

    private let prefix = "nginx.ingress.kubernetes.io/"

    @Test("auth-tls asks for what ingress-nginx asks for, with its defaults")
    func verification() throws {
        let text =
            ingress("\(prefix)auth-tls-secret: default/ca")
            + ingress(
                """
                \(prefix)auth-tls-secret: default/ca,
                    \(prefix)auth-tls-verify-client: optional_no_ca,
                    \(prefix)auth-tls-verify-depth: "3", \(prefix)auth-tls-match-cn: "CN=alice",
                    \(prefix)auth-tls-pass-certificate-to-upstream: "true",
                    \(prefix)auth-tls-error-page: "https://help.test/"
                """, host: "b.test", name: "j")
            + ingress(
                "\(prefix)auth-tls-secret: default/ca, \(prefix)auth-tls-verify-client: \"off\"",
                host: "c.test", name: "k")
        let (configuration, messages) = try routes(text)
        #expect(messages.isEmpty)
        var first = ClientVerification(
            authorities: .text(name: "Secret default/ca", Array("CA".utf8)))
        first.revocations = .text(name: "Secret default/ca", Array("CRL".utf8))
        var second = first
        second.mode = .optionalWithoutAuthority
        second.depth = 3
        second.passesCertificate = true
        second.subjectPattern = "CN=alice"
        second.errorPage = "https://help.test/"
        #expect(configuration.routes.map(\.clientVerification) == [first, second, nil])
    }

    @Test("where nobody can be asked, or for something else only, that is a warning")
    func listeners() throws {
        let text = ingress("\(prefix)auth-tls-secret: default/ca") + objects
        let plain = load(text.replacing("tls: {}", with: "proxyProtocol: false"))
        #expect(
            plain.diagnostics.map(\.message) == [
                "no listener speaks TLS: nobody can be asked for a certificate"
            ])
        let strict = load(text.replacing("tls: {}", with: "tls: {clientCA: ca.pem}"))
        #expect(
            strict.diagnostics.map(\.message) == [
                "listener 0.0.0.0:8443 has a 'clientCA': it answers 421 where 'auth-tls-secret' "
                    + "asks for something else"
            ])
    }

    @Test("the first Ingress of a host that asks for certificates speaks for all of its routes")
    func hosts() throws {
        let text =
            ingress("", name: "a") + ingress("\(prefix)auth-tls-secret: default/ca", name: "b")
            + ingress("", host: "other.test", name: "c")
        let (configuration, _) = try routes(text)
        #expect(configuration.routes.map { $0.clientVerification != nil } == [true, true, false])
    }

    @Test(
        "what cannot be asked for lets nobody in, and is told",
        arguments: [
            ("auth-tls-secret: default/no", "auth-tls-secret: Secret default/no is not there"),
            (
                "auth-tls-secret: other/ca",
                "auth-tls-secret: Secret other/ca is in another namespace than its Ingress"
            ),
            (
                "auth-tls-secret: default/pair",
                "auth-tls-secret: Secret default/pair has no 'ca.crt' in base 64"
            ),
            (
                "auth-tls-secret: default/crl",
                "auth-tls-secret: Secret default/crl has a 'ca.crl' that is not in base 64"
            ),
            (
                "auth-tls-secret: ca",
                "'auth-tls-secret' must be a Secret as namespace/name, found 'ca'"
            ),
            (
                "auth-tls-match-cn: alice, nginx.ingress.kubernetes.io/auth-tls-secret: default/ca",
                "'auth-tls-match-cn' must be CN= and a regular expression, found 'alice'"
            ),
        ])
    func broken(annotation: String, message: String) throws {
        let (configuration, messages) = try routes(ingress(prefix + annotation))
        #expect(configuration.routes[0].clientVerification == ClientVerification(authorities: nil))
        #expect(messages == ["Ingress default/i: " + message])
    }

    @Test("proxy-ssl says how backends are verified, and what is shown to them")
    func backends() throws {
        let text =
            ingress(
                """
                \(prefix)backend-protocol: HTTPS, \(prefix)proxy-ssl-secret: default/ca,
                    \(prefix)proxy-ssl-verify-depth: "2", \(prefix)proxy-ssl-server-name: "off",
                    \(prefix)proxy-ssl-protocols: "TLSv1.1 TLSv1.2",
                    \(prefix)proxy-ssl-ciphers: "HIGH", \(prefix)proxy-ssl-name: x.internal
                """)
            + ingress(
                "\(prefix)backend-protocol: HTTPS, \(prefix)proxy-ssl-secret: default/pair",
                name: "j")
            + ingress(
                "\(prefix)backend-protocol: HTTPS, \(prefix)proxy-ssl-secret: default/empty",
                name: "k")
        let (configuration, messages) = try routes(text)
        let found = configuration.routes.map { configuration.services[$0.service].tls }
        var first = UpstreamTLS()
        first.authorities = .text(name: "Secret default/ca", Array("CA".utf8))
        first.depth = 2
        first.sendsServerName = false
        first.versions = .tls12
        first.ciphers = "HIGH"
        first.serverName = "x.internal"
        #expect(found[0] == first)
        #expect(found[1]?.certificate == .text(name: "Secret default/pair", Array("CRT".utf8)))
        #expect(found[1]?.isUsable == true && found[2]?.isUsable == false)
        #expect(
            messages == [
                "Ingress default/k: proxy-ssl-secret: Secret default/empty has neither 'ca.crt' "
                    + "nor 'tls.crt' and 'tls.key' in base 64"
            ])
    }

    @Test(
        "values that proxy-ssl cannot have are told, and change nothing",
        arguments: [
            ("proxy-ssl-protocols: TLSv1", "made of TLSv1.2 and TLSv1.3, between spaces"),
            ("proxy-ssl-protocols: TLSv9", "made of TLSv1.2 and TLSv1.3, between spaces"),
            ("proxy-ssl-verify-depth: \"101\"", "a whole number from 0 to 100"),
            ("auth-tls-error-page: /help", "an absolute URL"),
        ])
    func values(annotation: String, expected: String) throws {
        let (_, messages) = try routes(ingress(prefix + annotation))
        #expect(messages.count == 1 && messages[0].contains("must be " + expected))
    }
}
