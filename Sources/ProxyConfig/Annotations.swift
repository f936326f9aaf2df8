/// An annotation by its bare name, with a value that is neither null nor empty.
struct Annotation {
    var name: String
    var text: String
    var entry: YAMLEntry
}

extension Reader {
    /// The supported annotations among `entries`, in the order in which they apply; the others are
    /// reported. An empty value is an absent annotation, as in ingress-nginx.
    ///
    /// `isShared`: these are the annotations of a Kubernetes object, which belong to other programs
    /// too, so that a name without one of our prefixes is nobody's mistake.
    func annotations(_ entries: [YAMLEntry], isShared: Bool) -> [Annotation] {
        var found: [Annotation] = []
        for entry in entries {
            let prefix = AnnotationVocabulary.prefixes.first { entry.key.hasPrefix($0) }
            let name = String(entry.key.dropFirst(prefix?.utf8.count ?? 0))
            guard let standing = AnnotationVocabulary.standing(of: name) else {
                if prefix != nil || !isShared { reportUnknown(name, entry) }
                continue
            }
            guard let text = annotationText(entry) else { continue }
            switch standing {
            case .supported: found.append(Annotation(name: name, text: text, entry: entry))
            case .ignored(let reason):
                note("annotation '\(name)' has no effect: \(reason)", at: entry.keyPosition)
            case .pending(let harmless):
                guard !harmless.contains(text) else { continue }
                reportPending(name, text, entry)
            case .guarding:
                found.append(Annotation(name: name, text: text, entry: entry))
                reportPending(name, text, entry)
            }
        }
        // Our own prefix has the last word where both are given.
        return found.filter { !isOurs($0) } + found.filter(isOurs)
    }

    private func isOurs(_ annotation: Annotation) -> Bool {
        annotation.entry.key.hasPrefix("l7proxy.io/")
    }

    private func annotationText(_ entry: YAMLEntry) -> String? {
        if entry.value.isNull { return nil }
        guard let text = entry.value.text else {
            fault(entry, mustBe: "text, a number or a truth value")
            return nil
        }
        return text.isEmpty ? nil : text
    }

    private func reportUnknown(_ name: String, _ entry: YAMLEntry) {
        warn(
            "unknown annotation \(quoted(name))", at: entry.keyPosition,
            help: NearMiss.find(name, in: AnnotationVocabulary.names).map {
                "did you mean '\($0)'?"
            })
    }

    private func reportPending(_ name: String, _ text: String, _ entry: YAMLEntry) {
        // Of a snippet the first line says which it is.
        let shown = quoted(text.prefix { !$0.isNewline })
        warn(
            "annotation '\(name)' is not supported yet, \(shown) has no effect",
            at: entry.keyPosition, help: AnnotationVocabulary.advice(withoutEffectOf: name))
    }
}
