/// `canary: "true"`: the rules are an alternative for equal rules of another Ingress, not rules.
enum Canary {
    static let warning = "canaries are not supported yet: this one is left out"

    static func find(in annotations: [YAMLEntry]) -> YAMLEntry? {
        annotations.first { entry in
            let prefix = AnnotationVocabulary.prefixes.first { entry.key.hasPrefix($0) } ?? ""
            return entry.key.dropFirst(prefix.utf8.count) == "canary"
                && entry.value.text.flatMap(GoBool.parse) == true
        }
    }
}
