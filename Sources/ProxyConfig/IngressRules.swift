import ProxyCore
import StickyPolicy

/// The rules of one Ingress.
struct IngressRules {
    let ingress: KubernetesObject
    let reader: Reader
    let services: KubernetesServices
    let behaviour: RouteBehaviour
    private let secrets: KubernetesSecrets

    /// What its clients must show, for all of its routes.
    private let verification: ClientVerification?

    init(
        _ ingress: KubernetesObject, _ reader: Reader, _ services: KubernetesServices,
        _ behaviour: RouteBehaviour
    ) {
        self.ingress = ingress
        self.reader = reader
        self.services = services
        self.behaviour = behaviour
        secrets = KubernetesSecrets(objects: services.objects, namespace: ingress.name.namespace)
        verification = behaviour.clientVerification(in: secrets)
    }

    func read(into draft: inout Draft) {
        behaviour.check(reader, at: ingress.node.position)
        if let backend = ingress.spec?["defaultBackend"] { readDefault(backend, into: &draft) }
        for rule in ingress.spec?["rules"]?.items ?? [] {
            guard let host = host(of: rule) else { continue }
            for path in rule["http"]?["paths"]?.items ?? [] {
                readPath(path, host, into: &draft)
            }
        }
    }

    private func readDefault(_ backend: YAMLNode, into draft: inout Draft) {
        guard let service = service(of: backend, &draft) else { return }
        guard !behaviour.canary.isOn else {
            return addDefaultCanary(service, at: backend.position, to: &draft)
        }
        guard draft.configuration.defaultService == nil else {
            return reader.warn(
                "there is a default backend already, this one is left out", at: backend.position)
        }
        draft.setDefault(service, behaviour)
        if verification != nil {
            reader.warn(behaviour.defaultAsksNobody, at: backend.position)
        }
    }

    private func addDefaultCanary(
        _ service: Int, at position: Position, to draft: inout Draft
    ) {
        let route = Route(
            host: .any, path: "/", pathType: .prefix, service: service,
            treatment: behaviour.treatment(
                for: draft.configuration.services[service], verification),
            origin: RouteOrigin(object: ingress.title))
        var canary = Canary(
            route: route, behaviour: behaviour, reader: reader, position: position)
        canary.isOfDefault = true
        draft.add(canary)
    }

    /// Nil when the rule cannot be used; that was reported.
    private func host(of rule: YAMLNode) -> HostPattern? {
        guard let entry = rule.entry("host"), entry.value.text != "" else { return .any }
        guard let host = entry.value.text.flatMap(RouteText.host) else {
            reader.fault(entry, mustBe: RouteText.hostExpected)
            return nil
        }
        return host
    }

    private func readPath(_ rule: YAMLNode, _ host: HostPattern, into draft: inout Draft) {
        guard let path = path(of: rule) else { return }
        guard let backend = rule["backend"] else {
            return reader.warn("a path without a backend is left out", at: rule.position)
        }
        guard let service = service(of: backend, &draft) else { return }
        var route = Route(
            host: host, path: path, pathType: pathType(of: rule), service: service,
            treatment: behaviour.treatment(
                for: draft.configuration.services[service], verification),
            origin: RouteOrigin(object: ingress.title))
        route.isPattern = behaviour.isPattern(path, route.pathType)
        if route.isPattern, let fault = findings.patternFault?(path) {
            return reader.warn(
                "\(quoted(path)) is no regular expression (\(fault)), the rule is left out",
                at: rule["path"]?.position ?? rule.position)
        }
        if behaviour.drainsOn404 { draft.drainOn404(service: service, reader, at: rule.position) }
        guard !behaviour.canary.isOn else {
            return draft.add(
                Canary(
                    route: route, behaviour: behaviour, reader: reader, position: rule.position))
        }
        if case .failure(let taken) = draft.add(route, at: rule.position) {
            reader.warn(
                "\(host.text)\(path) is already routed at "
                    + "\(findings.describe(taken.position)), which is older and counts",
                at: rule.position)
        }
        draft.addAliases(behaviour.aliases, of: route, reader, at: rule.position)
    }

    private var findings: Findings { reader.findings }

    /// An empty path is `/`, also as the path of the cookie.
    private func path(of rule: YAMLNode) -> String? {
        guard let entry = rule.entry("path"), entry.value.text != "" else { return "/" }
        guard let path = entry.value.text, RouteText.isPath(path) else {
            reader.fault(entry, mustBe: RouteText.pathExpected)
            return nil
        }
        return path
    }

    private func pathType(of rule: YAMLNode) -> PathType {
        rule.entry("pathType").flatMap { reader.word($0, RouteText.pathTypes) }
            ?? .implementationSpecific
    }

    /// Nil when the backend is not even a reference; that was reported.
    private func service(of backend: YAMLNode, _ draft: inout Draft) -> Int? {
        guard let reference = reference(in: backend) else { return nil }
        guard let position = position(of: reference, &draft) else { return nil }
        return draft.target(position, behaviour, in: secrets, at: backend.position)
    }

    private func position(of reference: ServiceReference, _ draft: inout Draft) -> Int? {
        if let known = draft.servicePosition(named: reference.text) { return known }
        let service = services.resolve(reference, reader)
        return try? draft.add(service, at: reference.position).get()
    }

    private func reference(in backend: YAMLNode) -> ServiceReference? {
        guard let service = backend["service"], let name = service["name"]?.text else {
            reader.warn(
                "a backend that names no service is left out", at: backend.position,
                help: "needed: service: {name, port: {number or name}}")
            return nil
        }
        guard let port = port(of: service) else { return nil }
        return ServiceReference(
            service: ObjectName(namespace: ingress.name.namespace, name: name), port: port,
            position: service.position)
    }

    private func port(of service: YAMLNode) -> ServiceReference.Port? {
        let port = service["port"]
        if let name = port?["name"]?.text { return .name(name) }
        guard let entry = port?.entry("number") else {
            reader.warn("a backend without a service port is left out", at: service.position)
            return nil
        }
        return reader.integer(entry, in: 1...65_535).map { .number($0) }
    }
}
