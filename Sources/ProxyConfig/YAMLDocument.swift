/// The documents of one file, or the first mistake that makes it no YAML.
struct YAMLDocuments {
    /// Empty documents are left out.
    var roots: [YAMLNode] = []

    static func read(_ file: Int, into findings: Findings) -> YAMLDocuments {
        var builder = YAMLTreeBuilder(file: file, findings: findings)
        builder.build()
        return YAMLDocuments(roots: builder.roots)
    }
}

/// What one file may cost.
enum YAMLLimits {
    /// 64 MiB: about what a cluster of 20,000 Ingresses prints.
    static let fileBytesMax = 64 << 20
    static let nodeCountMax = 4_000_000
    /// Nodes that aliases stand for: ten lines of aliases of aliases name billions of nodes.
    static let aliasedNodeCountMax = 100_000
    /// Kubernetes objects nest about 20 deep. Readers recurse, so this bounds the stack.
    static let depthMax = 64
}

/// Builds trees from events, without recursion.
private struct YAMLTreeBuilder {
    let file: Int
    let findings: Findings
    var roots: [YAMLNode] = []
    private var open: [Frame] = []
    private var anchors: [String: Anchored] = [:]
    private var nodeCount = 0
    private var aliasedNodeCount = 0

    private struct Anchored {
        var node: YAMLNode
        var nodeCount: Int
        /// Levels of lists and mappings in it.
        var height: Int
    }

    /// A sequence or mapping whose end has not come.
    private struct Frame {
        var position: Position
        var anchor: String?
        var isMapping: Bool
        var items: [YAMLNode] = []
        var entries: [YAMLEntry] = []
        var pendingKey: (text: String, position: Position)?
        var keys: Set<String> = []
        var nodeCountBefore: Int
        /// Levels of the tallest child so far.
        var heightBelow = 0
    }

    /// A mistake was reported that ends the reading of this file.
    private struct Refused: Error {}

    init(file: Int, findings: Findings) {
        self.file = file
        self.findings = findings
    }

    mutating func build() {
        let text = findings.files[file].text
        guard text.count <= YAMLLimits.fileBytesMax else {
            let most = YAMLLimits.fileBytesMax >> 20
            return refuse("the file is larger than \(most) MiB", line: 1, column: 1)
        }
        // libyaml takes a byte order mark for a character once it was told the encoding.
        let start = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        unsafe text[start...].withUnsafeBufferPointer { bytes in
            // SAFETY: the parser dies inside this closure, the bytes live until after it.
            guard var parser = unsafe YAMLEventParser(unsafeBytes: bytes) else {
                return refuse("out of memory", line: 1, column: 1)
            }
            readAll(from: &parser)
        }
    }

    private mutating func readAll(from parser: inout YAMLEventParser) {
        do throws(YAMLSyntaxError) {
            while true {
                let event = try parser.next()
                if case .streamEnd = event.kind { return }
                guard add(event) else { return }
            }
        } catch {
            let place = error.offset.map { position(ofByte: $0) } ?? (error.line, error.column)
            refuse(error, line: place.0, column: place.1)
        }
    }

    private func refuse(_ message: String, line: Int, column: Int) {
        let position = Position(file: file, line: line, column: column)
        findings.add(.error, "not readable as YAML: \(message)", at: position)
    }

    private func refuse(_ error: YAMLSyntaxError, line: Int, column: Int) {
        // Only where it is news: a bracket that is never closed is noticed pages later.
        let began = error.contextLine.flatMap { $0 < line ? "it begins at line \($0)" : nil }
        let tab = findings.isIndentedByTab(line: line, in: file)
        findings.add(
            .error, "not readable as YAML: \(error.message)",
            at: Position(file: file, line: line, column: column),
            help: tab ? "the line begins with a tab: YAML indents with spaces only" : began)
    }

    private func position(ofByte offset: Int) -> (Int, Int) {
        let before = findings.files[file].text.prefix(offset)
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let line = before.count(where: { $0 == 0x0A }) + 1
        let column = before[start...].count(where: { $0 & 0xC0 != 0x80 }) + 1
        return (line, column)
    }

    /// False when the rest of the file cannot be read.
    private mutating func add(_ event: YAMLEvent) -> Bool {
        let position = Position(
            file: file, line: event.line, column: event.column, length: event.length)
        do {
            switch event.kind {
            case .documentStart: anchors.removeAll()
            case .scalar(let text, let isQuoted, let properties):
                try addScalar(text, isQuoted: isQuoted, properties, at: position)
            case .sequenceStart(let properties):
                try push(isMapping: false, properties, at: position)
            case .mappingStart(let properties):
                try push(isMapping: true, properties, at: position)
            case .collectionEnd: try pop()
            case .alias(let name): try addAlias(name, at: position)
            case .streamEnd, .documentEnd, .other: break
            }
            return true
        } catch {
            return false
        }
    }

    private mutating func addScalar(
        _ text: String, isQuoted: Bool, _ properties: YAMLProperties, at position: Position
    ) throws(Refused) {
        try check(properties, at: position)
        let node = YAMLNode(position: position, content: .scalar(text, isQuoted: isQuoted))
        nodeCount += 1
        if let anchor = properties.anchor {
            anchors[anchor] = Anchored(node: node, nodeCount: 1, height: 0)
        }
        try place(node, height: 0)
    }

    private mutating func push(
        isMapping: Bool, _ properties: YAMLProperties, at position: Position
    ) throws(Refused) {
        try check(properties, at: position)
        guard open.count < YAMLLimits.depthMax else {
            throw refusal("more than \(YAMLLimits.depthMax) levels deep", at: position)
        }
        if let frame = open.last, frame.isMapping, frame.pendingKey == nil {
            throw refusal("a key must be text, not a list or mapping", at: position)
        }
        nodeCount += 1
        open.append(
            Frame(
                position: position, anchor: properties.anchor, isMapping: isMapping,
                nodeCountBefore: nodeCount - 1))
    }

    private mutating func pop() throws(Refused) {
        guard let frame = open.popLast() else { return }
        let node = YAMLNode(
            position: frame.position,
            content: frame.isMapping ? .mapping(frame.entries) : .sequence(frame.items))
        if let anchor = frame.anchor {
            let count = nodeCount - frame.nodeCountBefore
            anchors[anchor] = Anchored(
                node: node, nodeCount: count, height: frame.heightBelow + 1)
        }
        try place(node, height: frame.heightBelow + 1)
    }

    private mutating func addAlias(_ name: String, at position: Position) throws(Refused) {
        guard let anchored = anchors[name] else {
            throw refusal("no anchor \(quoted(name)) comes before this alias", at: position)
        }
        aliasedNodeCount += anchored.nodeCount
        nodeCount += anchored.nodeCount
        guard aliasedNodeCount <= YAMLLimits.aliasedNodeCountMax else {
            throw refusal("aliases stand for too many values", at: position)
        }
        guard open.count + anchored.height <= YAMLLimits.depthMax else {
            throw refusal("more than \(YAMLLimits.depthMax) levels deep", at: position)
        }
        try place(anchored.node, height: anchored.height)
    }

    private func check(_ properties: YAMLProperties, at position: Position) throws(Refused) {
        if let tag = properties.tag {
            throw refusal("tags such as \(quoted(tag)) are not supported", at: position)
        }
        guard nodeCount < YAMLLimits.nodeCountMax else {
            throw refusal("more than \(YAMLLimits.nodeCountMax) values", at: position)
        }
    }

    /// Puts a finished node where it belongs: a document, an item, a key or a value.
    private mutating func place(_ node: YAMLNode, height: Int) throws(Refused) {
        guard let top = open.indices.last else {
            if !node.isNull { roots.append(node) }
            return
        }
        open[top].heightBelow = max(open[top].heightBelow, height)
        guard open[top].isMapping else { return open[top].items.append(node) }
        guard let key = open[top].pendingKey else {
            guard case .scalar(let text, _) = node.content else {
                throw refusal("a key must be text, not \(node.found)", at: node.position)
            }
            open[top].pendingKey = (text, node.position)
            return
        }
        open[top].pendingKey = nil
        guard open[top].keys.insert(key.text).inserted else {
            return findings.add(
                .error, "the key \(quoted(key.text)) stands twice in one mapping", at: key.position)
        }
        open[top].entries.append(
            YAMLEntry(key: key.text, keyPosition: key.position, value: node))
    }

    private func refusal(_ message: String, at position: Position) -> Refused {
        findings.add(.error, "not readable as YAML: \(message)", at: position)
        return Refused()
    }
}
