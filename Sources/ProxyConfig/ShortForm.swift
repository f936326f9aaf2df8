import ProxyCore
import StickyPolicy

/// The short-form documents of all files.
struct ShortForm {
    private struct Document {
        var fields: Fields
        var file: Int
        var behaviour: RouteBehaviour
    }

    private let reader: Reader
    private var documents: [Document] = []
    private var settings: ShortFormSettings

    init(findings: Findings) {
        reader = .shortForm(findings)
        settings = ShortFormSettings(reader: reader)
    }

    /// What the annotations of each file's short form say for its routes.
    var behaviours: [Int: RouteBehaviour] {
        Dictionary(uniqueKeysWithValues: documents.map { ($0.file, $0.behaviour) })
    }

    /// Takes the short-form roots of one file: at most one.
    mutating func add(_ roots: [YAMLNode], file: Int) {
        for (index, root) in roots.enumerated() {
            guard root.isMapping else {
                reader.fault("a document must be a mapping, found \(root.found)", at: root.position)
                continue
            }
            guard index == 0 else {
                reader.fault(
                    "a second document without 'kind': the short form fits once in a file",
                    at: root.position)
                continue
            }
            let fields = reader.fields(of: root, ShortFormSchema.root)
            documents.append(
                Document(fields: fields, file: file, behaviour: behaviour(of: fields)))
        }
    }

    /// Reads what has no references; answers the nodes.
    mutating func readSettings(into draft: inout Draft) -> [IPAddress] {
        for document in documents {
            let file = reader.findings.files[document.file]
            settings.read(document.fields, from: file, into: &draft.configuration)
        }
        return settings.nodes
    }

    /// Reads services, then routes and the default, which may name services of any file.
    func readRoutes(
        nodes: [IPAddress], secrets: KubernetesSecrets, into draft: inout Draft
    ) {
        for document in documents {
            readServices(document, services(of: document, nodes), &draft)
        }
        var once = SetOnce()
        for document in documents {
            let routes = ShortFormRoutes(
                reader: reader, services: services(of: document, nodes),
                defaults: document.behaviour, secrets: secrets)
            if let list = document.fields["routes"] { routes.read(list, into: &draft) }
            if let entry = document.fields["defaultService"],
                once.isFirst("defaultService", entry, reader),
                let position = draft.reference(entry, reader)
            {
                let service = draft.target(
                    position, document.behaviour, in: secrets, at: entry.value.position)
                draft.setDefault(service, document.behaviour)
                if document.behaviour.clientVerification(in: secrets) != nil {
                    reader.warn(document.behaviour.defaultAsksNobody, at: entry.value.position)
                }
            }
        }
    }

    private func services(of document: Document, _ nodes: [IPAddress]) -> ShortFormServices {
        ShortFormServices(
            reader: reader, nodes: nodes, file: reader.findings.files[document.file])
    }

    private func readServices(
        _ document: Document, _ services: ShortFormServices, _ draft: inout Draft
    ) {
        guard let entry = document.fields["services"] else { return }
        guard entry.value.isMapping else { return reader.fault(entry, mustBe: "a mapping") }
        for entry in entry.value.entries {
            guard isServiceName(entry), let service = services.service(entry) else { continue }
            guard case .failure(let taken) = draft.add(service, at: entry.keyPosition) else {
                continue
            }
            reader.fault(
                "service \(quoted(entry.key)) is already defined at "
                    + reader.findings.describe(taken.position), at: entry.keyPosition)
        }
    }

    /// A slash is in the names of unnamed services and of Kubernetes' services, and only there.
    private func isServiceName(_ entry: YAMLEntry) -> Bool {
        let name = YAMLNode(
            position: entry.keyPosition, content: .scalar(entry.key, isQuoted: true))
        let named = YAMLEntry(key: "services", keyPosition: entry.keyPosition, value: name)
        guard reader.name(named) != nil else { return false }
        if !entry.key.contains("/") { return true }
        reader.fault(named, mustBe: "a name without '/'")
        return false
    }

    private func behaviour(of fields: Fields) -> RouteBehaviour {
        var behaviour = RouteBehaviour()
        guard let entry = fields["annotations"] else { return behaviour }
        guard entry.value.isMapping else {
            reader.fault(entry, mustBe: "a mapping")
            return behaviour
        }
        behaviour.apply(reader.annotations(entry.value.entries, isShared: false), reader)
        return behaviour
    }
}

extension Draft {
    /// Where requests go that no route matches.
    mutating func setDefault(_ service: Int, _ behaviour: RouteBehaviour) {
        configuration.defaultService = service
        configuration.defaultAffinity = behaviour.affinity(for: configuration.services[service])
        configuration.defaultRetry = behaviour.retry
        configuration.defaultClosesTunnelsOnDrain = behaviour.closesTunnelsOnDrain
    }
}
