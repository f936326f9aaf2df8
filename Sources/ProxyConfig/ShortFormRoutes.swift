import ProxyCore
import StickyPolicy

/// Reads the routes of one short-form document.
struct ShortFormRoutes {
    let reader: Reader
    let services: ShortFormServices
    /// What the file's own annotations say for each of its routes.
    let defaults: RouteBehaviour
    let secrets: KubernetesSecrets

    func read(_ list: YAMLEntry, into draft: inout Draft) {
        for item in reader.list(list) {
            guard let keys = reader.fields(item, ShortFormSchema.route) else { continue }
            readRoute(keys, at: item.value.position, into: &draft)
        }
    }

    private func readRoute(_ keys: Fields, at position: Position, into draft: inout Draft) {
        let host = keys["host"].map(host) ?? .any
        let path = keys["path"].map(path) ?? "/"
        let pathType =
            keys["pathType"].flatMap { reader.word($0, RouteText.pathTypes) } ?? .prefix
        var behaviour = defaults
        if let entry = keys["annotations"] {
            apply(entry, to: &behaviour)
        }
        behaviour.check(reader, at: position)
        var name = (host ?? .any).routeName(path: path ?? "/", pathType: pathType)
        if behaviour.canary.isOn { name += " (canary)" }
        let named = service(keys, named: name, at: position, &draft)
        // What is wrong was reported, and everything was read for the mistakes in it.
        guard let host, let path, let named else { return }
        let service = draft.target(named, behaviour, in: secrets, at: position)
        var route = Route(
            host: host, path: path, pathType: pathType, service: service,
            treatment: behaviour.treatment(
                for: draft.configuration.services[service],
                behaviour.clientVerification(in: secrets)),
            origin: reader.findings.origin(position))
        route.isPattern = behaviour.isPattern(path, route.pathType)
        if route.isPattern, let fault = reader.findings.patternFault?(path) {
            reader.fault(
                "\(quoted(path)) is no regular expression (\(fault))",
                at: keys["path"]?.value.position ?? position)
        }
        if behaviour.drainsOn404 { draft.drainOn404(service: service, reader, at: position) }
        guard !behaviour.canary.isOn else {
            return draft.add(
                Canary(route: route, behaviour: behaviour, reader: reader, position: position))
        }
        if case .failure(let taken) = draft.add(route, at: position) {
            reportDuplicate(name, at: keys["path"] ?? keys["host"], position, taken)
        }
        draft.addAliases(behaviour.aliases, of: route, reader, at: position)
    }

    private func reportDuplicate(
        _ name: String, at entry: YAMLEntry?, _ position: Position, _ taken: Draft.Taken
    ) {
        let earlier = reader.findings.describe(taken.position)
        reader.fault(
            "duplicate route: \(name) is already routed at \(earlier)",
            at: entry?.value.position ?? position)
    }

    private func host(_ entry: YAMLEntry) -> HostPattern? {
        guard let host = entry.value.text.flatMap(RouteText.host) else {
            reader.fault(entry, mustBe: RouteText.hostExpected)
            return nil
        }
        return host
    }

    private func path(_ entry: YAMLEntry) -> String? {
        guard let path = entry.value.text, RouteText.isPath(path) else {
            reader.fault(entry, mustBe: RouteText.pathExpected)
            return nil
        }
        return path
    }

    private func apply(_ entry: YAMLEntry, to behaviour: inout RouteBehaviour) {
        guard entry.value.isMapping else { return reader.fault(entry, mustBe: "a mapping") }
        behaviour.apply(reader.annotations(entry.value.entries, isShared: false), reader)
    }

    private func service(
        _ keys: Fields, named name: String, at position: Position, _ draft: inout Draft
    ) -> Int? {
        switch (keys["service"], keys["backends"]) {
        case (let entry?, nil): return draft.reference(entry, reader)
        case (nil, let list?):
            let service = Service(name: name, services.backends(list))
            // An equal name means an equal route, which is reported as such.
            return (try? draft.add(service, at: position).get())
                ?? draft.servicePosition(named: name)
        case (_?, let list?):
            reader.fault(
                "a route has both 'service' and 'backends'", at: list.keyPosition,
                help: "leave one of them out")
        case (nil, nil):
            reader.fault(
                "a route leads nowhere", at: position, help: "give it 'service' or 'backends'")
        }
        return nil
    }
}

extension Draft {
    /// The position of the service that `entry` names; a dangling name is reported.
    func reference(_ entry: YAMLEntry, _ reader: Reader) -> Int? {
        guard let name = reader.text(entry) else { return nil }
        if let position = servicePosition(named: name) { return position }
        reader.fault(
            "\(quoted(entry.key)): there is no service \(quoted(name))", at: entry.value.position,
            help: NearMiss.find(name, in: someServiceNames).map { "did you mean '\($0)'?" })
        return nil
    }
}
