import ProxyCore
import StickyPolicy

/// A service and port as an Ingress names them.
struct ServiceReference {
    enum Port {
        case number(Int)
        case name(String)

        var text: String {
            switch self {
            case .number(let number): String(number)
            case .name(let name): name
            }
        }
    }

    var service: ObjectName
    var port: Port
    var position: Position

    var text: String { "\(service.text):\(port.text)" }
}

/// Resolves what Ingresses name to backends: EndpointSlices first, then NodePorts.
///
/// What cannot be resolved is a service without backends, which answers 503, and a warning.
struct KubernetesServices {
    let objects: KubernetesObjects
    let findings: Findings
    /// What a NodePort resolves to.
    let nodes: [IPAddress]

    /// `reader`: of the Ingress that refers.
    func resolve(_ reference: ServiceReference, _ reader: Reader) -> Service {
        var service = Service(name: reference.text, backends: [])
        service.ingressNginxName =
            "\(reference.service.namespace)-\(reference.service.name)-\(reference.port.text)"
        guard let object = objects.service(reference.service) else {
            reader.warn(
                "there is no Service \(reference.service.text): requests are answered 503",
                at: reference.position)
            return service
        }
        service.clientIP = sessionAffinity(object)
        service.clientIPConfig = service.clientIP ?? ClientIPSettings()
        if let list = externalBackends(of: object, reference, reader) {
            (service.backends, service.named) = (list.backends, list.named)
            return service
        }
        guard let port = port(reference, of: object) else {
            reader.warn(
                "Service \(reference.service.text) has no port \(quoted(reference.port.text)): "
                    + "requests are answered 503", at: reference.position)
            return service
        }
        if case .name = reference.port, let number = port["port"]?.text {
            service.sessionScope = "\(reference.service.text):\(number)"
            service.formerScope = service.name
        }
        service.backends = backends(object, port, reader, at: reference.position)
        service.nodeCheck = nodeCheck(object)
        service.isBehindNodePorts = objects.slices(of: object.name).isEmpty
        return service
    }

    /// Of `type: ExternalName`, the name's; nil for every other type.
    private func externalBackends(
        of object: KubernetesObject, _ reference: ServiceReference, _ reader: Reader
    ) -> BackendList? {
        guard object.spec?["type"]?.text == "ExternalName" else { return nil }
        let name = object.spec?["externalName"]?.text ?? ""
        guard let port = externalPort(reference, of: object) else {
            reportEmpty(
                object, "it has no port \(quoted(reference.port.text))", reader,
                reference.position)
            return BackendList()
        }
        if let address = IPAddress(name) {
            return BackendList(backends: [Backend(Endpoint(address: address, port: port))])
        }
        guard let host = HostName.parse(host: name) else {
            reportEmpty(
                object, "its 'externalName' is \(quoted(name)), which is no host name", reader,
                reference.position)
            return BackendList()
        }
        return BackendList(named: [NamedBackend(host: host, port: port)])
    }

    /// As in ingress-nginx: where the Service lists the port, its `targetPort` if that is a
    /// number; otherwise the number that the Ingress gives.
    private func externalPort(
        _ reference: ServiceReference, of object: KubernetesObject
    ) -> UInt16? {
        let listed = port(reference, of: object)
        let texts = [listed?["targetPort"]?.text, listed?["port"]?.text, reference.port.text]
        return texts.lazy.compactMap { $0.flatMap { UInt16($0) } }.first { $0 > 0 }
    }

    private func port(_ reference: ServiceReference, of object: KubernetesObject) -> YAMLNode? {
        let ports = object.spec?["ports"]?.items ?? []
        return switch reference.port {
        case .number(let number): ports.first { $0["port"]?.text == String(number) }
        case .name(let name): ports.first { $0["name"]?.text == name }
        }
    }

    private func backends(
        _ object: KubernetesObject, _ port: YAMLNode, _ reader: Reader, at position: Position
    ) -> [Backend] {
        let slices = objects.slices(of: object.name)
        if !slices.isEmpty {
            let endpoints = KubernetesEndpoints(findings: findings)
            let found = endpoints.backends(slices, portName: port["name"]?.text ?? "")
            if found.isEmpty {
                reportEmpty(object, "its EndpointSlices have no ready endpoint", reader, position)
            }
            return found
        }
        guard let nodePort = port.entry("nodePort") else {
            let type = object.spec?["type"]?.text ?? "ClusterIP"
            let reason = "it is of type \(quoted(type)) and there are no EndpointSlices of it"
            reportEmpty(object, reason, reader, position)
            return []
        }
        return nodeBackends(object, nodePort, reader, position)
    }

    private func nodeBackends(
        _ object: KubernetesObject, _ entry: YAMLEntry, _ reader: Reader, _ position: Position
    ) -> [Backend] {
        let own = object.reader(findings)
        guard let port = own.integer(entry, in: 1...65_535) else { return [] }
        if nodes.isEmpty {
            reportEmpty(object, "there is no ready Node to reach its nodePort", reader, position)
        }
        if let policy = object.spec?.entry("externalTrafficPolicy"), policy.value.text == "Local",
            nodeCheck(object) == nil
        {
            own.note(LocalPolicy.note, at: policy.value.position)
        }
        return Backend.onNodes(nodes, port: UInt16(port))
    }

    /// The node's own word on whether it has pods, where backends are nodes. The API server gives
    /// the port to `type: LoadBalancer` with `externalTrafficPolicy: Local` only.
    private func nodeCheck(_ object: KubernetesObject) -> HealthCheck? {
        guard objects.slices(of: object.name).isEmpty,
            let entry = object.spec?.entry("healthCheckNodePort"), entry.value.text != "0",
            let port = object.reader(findings).integer(entry, in: 1...65_535)
        else { return nil }
        return .node(port: UInt16(port))
    }

    private func reportEmpty(
        _ object: KubernetesObject, _ reason: String, _ reader: Reader, _ position: Position
    ) {
        reader.warn(
            "Service \(object.name.text) has no backends, since \(reason): "
                + "requests are answered 503", at: position)
    }

    private func sessionAffinity(_ object: KubernetesObject) -> ClientIPSettings? {
        let reader = object.reader(findings)
        guard let entry = object.spec?.entry("sessionAffinity"),
            reader.word(entry, ShortFormWords.sessionAffinity) == true
        else { return nil }
        var settings = ClientIPSettings()
        let config = object.spec?["sessionAffinityConfig"]?["clientIP"]
        if let entry = config?.entry("timeoutSeconds"),
            let seconds = reader.integer(entry, in: 1...86_400)
        {
            settings.timeoutSeconds = UInt32(seconds)
        }
        return settings
    }
}
