import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@Suite("TLS in the routes file")
struct TLSKeysTests {
    private func configuration(_ text: String) throws -> Configuration {
        try #require(load(text).configuration)
    }

    @Test("a listener's certificates are read, with paths relative to the file")
    func listener() throws {
        let files = [
            SourceFile(
                name: "/etc/proxy/routes.yaml",
                text: """
                    listeners:
                      - address: 127.0.0.1:8443
                        tls:
                          certificates:
                            - {certificate: a.crt, key: /keys/a.key, ocsp: a.ocsp}
                          minVersion: "1.3"
                          clientCA: clients.pem
                          ticketKeys: [t1, t2]
                          hsts: false
                    routes: [{backends: [10.0.0.1:80]}]
                    """)
        ]
        let result = try #require(ConfigurationLoader.load(files).configuration)
        let address = try #require(ListenerAddress(text: "127.0.0.1:8443"))
        let tls = try #require(result.listenerTLS[address])
        let source = try #require(tls.certificates.first)
        #expect(source.certificate == .file("/etc/proxy/a.crt"))
        #expect(source.key == .file("/keys/a.key"))
        #expect(source.staple == "/etc/proxy/a.ocsp")
        #expect(tls.minimumVersion == .tls13)
        #expect(tls.clientAuthorities == .file("/etc/proxy/clients.pem"))
        #expect(tls.ticketKeys == ["/etc/proxy/t1", "/etc/proxy/t2"])
        #expect(!tls.sendsHSTS)
    }

    @Test("a service's tls verifies unless it says otherwise")
    func service() throws {
        let services = try configuration(
            """
            services:
              a: {backends: [10.0.0.1:443], tls: {}}
              b:
                backends: [10.0.0.1:443]
                tls: {verify: false, serverName: B.internal, ca: ca.pem}
              c: {backends: [10.0.0.1:80]}
            routes: [{service: a}]
            """
        ).services
        #expect(services[0].tls == UpstreamTLS())
        #expect(services[0].tls?.verifies == true)
        #expect(services[1].tls?.verifies == false)
        #expect(services[1].tls?.serverName == "b.internal")
        #expect(services[1].tls?.authorities == .file("ca.pem"))
        #expect(services[2].tls == nil)
    }

    @Test(
        "what is wrong with tls is named",
        arguments: [
            (
                "listeners: [{address: 0.0.0.0:1, tls: {certificates: [{certificate: a}]}}]",
                "a certificate needs both 'certificate' and 'key'"
            ),
            (
                "listeners: [{address: 0.0.0.0:1, tls: {minVersion: \"1.1\"}}]",
                "'minVersion' must be one of 1.2, 1.3, found '1.1'"
            ),
            (
                "listeners: [{address: 0.0.0.0:1, tls: yes}]",
                "'tls' must be a mapping, found 'yes'"
            ),
            (
                "services: {a: {backends: [10.0.0.1:1], tls: {serverName: \"*.a\"}}}",
                "'serverName' must be a host name such as shop.internal, found '*.a'"
            ),
            (
                "services: {a: {backends: [10.0.0.1:1], tls: {key: k}}}",
                "a certificate needs both 'certificate' and 'key'"
            ),
            (
                "limits: {handshakes: -1}",
                "'handshakes' must be a whole number from 0 to 1000000, found '-1'"
            ),
        ])
    func mistakes(text: String, message: String) {
        let result = load(text)
        #expect(result.configuration == nil)
        #expect(result.diagnostics.map(\.message).contains(message))
    }

    @Test("a certificate that cannot be read is an error at its own place")
    func unreadable() throws {
        var options = LoaderOptions()
        options.pathFault = { $0.hasSuffix("missing.key") ? "cannot read \($0)" : nil }
        let text = """
            listeners:
              - address: 0.0.0.0:1
                tls: {certificates: [{certificate: a.crt, key: missing.key}]}
            """
        let file = SourceFile(name: "/etc/routes.yaml", text: text)
        let result = ConfigurationLoader.load([file], options: options)
        #expect(result.configuration == nil)
        let found = try #require(result.diagnostics.first { $0.severity == .error })
        #expect(found.message == "'key': cannot read /etc/missing.key")
        #expect((found.line, found.column) == (3, 52))
    }

    @Test("redirects to TLS follow the annotations of ingress-nginx")
    func redirects() throws {
        let routes = try configuration(
            """
            routes:
              - {path: /a, backends: [10.0.0.1:80]}
              - {path: /b, backends: [10.0.0.1:80], annotations: {ssl-redirect: "false"}}
              - {path: /c, backends: [10.0.0.1:80], annotations: {force-ssl-redirect: "true"}}
            """
        ).routes
        #expect(routes.map(\.tlsRule) == [.whereCertified, .never, .always])
    }

    @Test("backend-protocol HTTPS speaks TLS to a service of its own beside the plain one")
    func backendProtocol() throws {
        let configuration = try configuration(
            """
            services: {shop: {backends: [10.0.0.1:443]}}
            routes:
              - {path: /a, service: shop}
              - path: /b
                service: shop
                annotations:
                  backend-protocol: HTTPS
                  proxy-ssl-verify: "off"
                  proxy-ssl-name: shop.internal
              - {path: /c, service: shop, annotations: {backend-protocol: HTTPS}}
            """)
        let services = configuration.routes.map { configuration.services[$0.service] }
        #expect(services.map(\.name) == ["shop", "shop/https", "shop/https-2"])
        // The numbers change with the routes before; what sessions belong to does not.
        #expect(services.map { $0.sessionScope ?? $0.name } == ["shop", "shop", "shop"])
        #expect(services.map { $0.tls?.verifies } == [nil, false, true])
        #expect(services[1].tls?.serverName == "shop.internal")
    }

    private let ingressText = """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: shop}
        spec:
          tls: [{hosts: [A.example.com], secretName: shop-tls}]
          rules:
            - host: a.example.com
              http: {paths: [{path: /, backend: {service: {name: shop, port: {number: 80}}}}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: shop}
        spec: {ports: [{port: 80, nodePort: 30080}]}
        ---
        nodes: [10.0.0.1]

        """
    private let listenerText = "listeners: [{address: 127.0.0.1:8443, tls: {}}]\n"

    @Test("the certificate of a Secret is for the hosts that spec.tls names")
    func secret() throws {
        let secret = """
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: shop-tls}
            type: kubernetes.io/tls
            data: {tls.crt: Q0VSVA==, tls.key: S0VZ}
            """
        let result = load(ingressText + listenerText + secret)
        let source = try #require(result.configuration?.secretCertificates.first)
        #expect(source.hosts == ["a.example.com"])
        #expect(source.certificate == .text(name: "Secret default/shop-tls", Array("CERT".utf8)))
        #expect(source.key == .text(name: "Secret default/shop-tls", Array("KEY".utf8)))
        #expect(result.diagnostics.isEmpty)
    }

    @Test(
        "spec.tls that comes to nothing is a warning",
        arguments: [
            ("", "no listener speaks TLS: its hosts are served in the clear"),
            (
                "listeners: [{address: 127.0.0.1:8443, tls: {}}]\n",
                "there is no Secret default/shop-tls: its hosts get the fallback certificate"
            ),
            (
                """
                listeners: [{address: 127.0.0.1:8443, tls: {}}]
                ---
                {apiVersion: v1, kind: Secret, metadata: {name: shop-tls}, data: {tls.crt: "?"}}
                """,
                "Secret default/shop-tls has no 'tls.crt' and 'tls.key' in base 64: its hosts "
                    + "get the fallback certificate"
            ),
        ])
    func uselessTLS(rest: String, message: String) {
        let result = load(ingressText + rest)
        #expect(result.configuration != nil)
        #expect(result.diagnostics.map(\.message) == ["Ingress default/shop: " + message])
    }

    @Test("a spec.tls without an item asks for nothing", arguments: ["[]", "", "null"])
    func emptyTLS(list: String) {
        let text = ingressText.replacing(
            "tls: [{hosts: [A.example.com], secretName: shop-tls}]", with: "tls: \(list)")
        #expect(load(text).diagnostics.isEmpty)
    }

    @Test(
        "base 64 is decoded as Secrets have it, and nothing else is",
        arguments: [
            ("", ""), ("QQ==", "A"), ("QUI=", "AB"), ("QUJD", "ABC"), ("QU\\n JD", "ABC"),
            ("QQ=", nil), ("QQ", nil), ("Q===", nil), ("=QQQ", nil), ("QQ=Q", nil), ("Q-Q=", nil),
        ])
    func base64(text: String, decoded: String?) {
        let secret = """
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: shop-tls}
            data: {tls.crt: "\(text)", tls.key: S0VZ}
            """
        let found = load(ingressText + listenerText + secret).configuration?.secretCertificates
            .first
        guard let found, case .text(_, let bytes) = found.certificate else {
            // An empty value is an absent one.
            #expect(decoded == nil || decoded == "")
            return
        }
        #expect(decoded.map { Array($0.utf8) } == bytes)
    }
}
