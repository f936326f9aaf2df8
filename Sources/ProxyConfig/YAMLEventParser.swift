import CYAML

/// What libyaml found next.
struct YAMLEvent {
    var kind: Kind
    var line: Int
    var column: Int
    var length: Int

    enum Kind {
        case streamEnd, documentStart, documentEnd, collectionEnd
        case alias(String)
        case scalar(String, isQuoted: Bool, YAMLProperties)
        case sequenceStart(YAMLProperties)
        case mappingStart(YAMLProperties)
        /// Nothing that a reader of documents needs.
        case other
    }
}

/// What may stand in front of a node.
struct YAMLProperties {
    var anchor: String?
    /// A tag other than that of plain text.
    var tag: String?
}

/// What is wrong with the text, and where.
struct YAMLSyntaxError: Error {
    var message: String
    /// Byte offset, where the text is no text at all; line and column count only without it.
    var offset: Int?
    var line: Int
    var column: Int
    /// Where that began which was not ended well.
    var contextLine: Int?
}

/// libyaml's event parser. The one place that knows libyaml: it owns the parser's memory, and what
/// it hands out is Swift's.
@safe
struct YAMLEventParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// Parses `bytes`, which must outlive the parser. Nil when memory is short.
    init?(unsafeBytes bytes: UnsafeBufferPointer<UInt8>) {
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        // SAFETY: the caller keeps the bytes for the life of the parser; libyaml only reads them.
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        // SAFETY: initialised in `init`, and nothing else holds the pointer.
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        // SAFETY: a successful parse hands us the event; all that is kept of it is copied before.
        defer { unsafe yaml_event_delete(&event) }
        let (start, end) = unsafe (event.start_mark, event.end_mark)
        let isOneLine = start.line == end.line
        return YAMLEvent(
            kind: unsafe kind(of: event), line: start.line + 1, column: start.column + 1,
            length: isOneLine ? max(1, end.column - start.column) : 1)
    }

    private func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT: .streamEnd
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: .collectionEnd
        case YAML_ALIAS_EVENT: unsafe .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: unsafe scalar(event)
        case YAML_SEQUENCE_START_EVENT:
            unsafe .sequenceStart(
                properties(event.data.sequence_start.anchor, event.data.sequence_start.tag))
        case YAML_MAPPING_START_EVENT:
            unsafe .mappingStart(
                properties(event.data.mapping_start.anchor, event.data.mapping_start.tag))
        default: .other
        }
    }

    private func scalar(_ event: yaml_event_t) -> YAMLEvent.Kind {
        let scalar = unsafe event.data.scalar
        // SAFETY: libyaml allocated `length` bytes at `value`, and the event is still alive.
        let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        var properties = unsafe properties(scalar.anchor, scalar.tag)
        let isTaggedText = properties.tag == "tag:yaml.org,2002:str" || properties.tag == "!"
        if isTaggedText { properties.tag = nil }
        let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
        return .scalar(text, isQuoted: !isPlain || isTaggedText, properties)
    }

    private func properties(
        _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) -> YAMLProperties {
        unsafe YAMLProperties(anchor: text(anchor), tag: text(tag))
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        // SAFETY: libyaml ends anchors and tags with a zero byte.
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private func syntaxError() -> YAMLSyntaxError {
        let state = unsafe parser.pointee
        // SAFETY: the messages of libyaml are literals.
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "out of memory"
        let context = unsafe state.context.map { unsafe String(cString: $0) + ": " } ?? ""
        let isReaderError = unsafe state.error == YAML_READER_ERROR
        return unsafe YAMLSyntaxError(
            message: context + problem, offset: isReaderError ? state.problem_offset : nil,
            line: state.problem_mark.line + 1, column: state.problem_mark.column + 1,
            contextLine: state.context == nil ? nil : state.context_mark.line + 1)
    }
}
