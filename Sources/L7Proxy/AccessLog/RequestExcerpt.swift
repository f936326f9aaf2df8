import HTTPParser
import ProxyCore

/// What a line of the access log repeats of a request's head, kept while its exchange lasts: the
/// head itself is gone by then. Long parts are cut.
final class RequestExcerpt {
    enum Part: Int, CaseIterable {
        case method, target, host, referrer, userAgent, requestID

        /// In bytes. Together they fill one small buffer; they are generous for what people and
        /// programs send, and a hostile client pays more for sending than we for keeping.
        fileprivate var byteCountMax: Int {
            switch self {
            case .method: 32
            case .target: 2_048
            case .host: 256
            case .referrer: 1_024
            case .userAgent: 512
            case .requestID: 128
            }
        }
    }

    private var text: ByteWriter
    private var ends: InlineArray<6, UInt16>
    private var cutParts: UInt8 = 0

    private static let capacity = Part.allCases.reduce(0) { $0 + $1.byteCountMax }

    init() {
        text = ByteWriter(capacity: RequestExcerpt.capacity)
        ends = InlineArray(repeating: 0)
    }

    /// A copy that is no longer than its content: for tunnels, of which there may be many.
    init(compacting other: RequestExcerpt) {
        text = ByteWriter(capacity: other.text.count)
        ends = other.ends
        cutParts = other.cutParts
        other.text.withBytes { text.append($0) }
    }

    /// It can hold any other request.
    var isReusable: Bool { text.capacity == RequestExcerpt.capacity }

    /// Takes over all but the request's id.
    func take(_ head: RequestHead, in bytes: Span<UInt8>) {
        text.removeAll()
        cutParts = 0
        add(bytes.extracting(head.methodRange.offsets), as: .method)
        add(bytes.extracting(head.target.offsets), as: .target)
        add(bytes.extracting(head.host.offsets), as: .host)
        let referrer = RequestExcerpt.referrer(of: head, in: bytes)
        add(bytes.extracting(referrer.offsets), as: .referrer)
        let agent = head.fields.first(.userAgent)?.value ?? .empty
        add(bytes.extracting(agent.offsets), as: .userAgent)
        end(.requestID)
    }

    /// RFC 9110 §10.1.3. The name is misspelt there.
    private static func referrer(of head: RequestHead, in bytes: Span<UInt8>) -> ByteRange {
        for position in 0..<head.fields.count {
            let field = head.fields[position]
            if field.known == .other, field.name.count == 7,
                bytes.extracting(field.name.offsets).equalsIgnoringCase("referer")
            {
                return field.value
            }
        }
        return .empty
    }

    /// The id that the backend was told: one that a trusted peer gave the request.
    func take(requestID: Span<UInt8>) {
        add(requestID, as: .requestID)
    }

    /// The id that the backend was told: ours.
    func take(requestID: (UInt64, UInt64)) {
        text.append(fixedHexadecimal: requestID.0)
        text.append(fixedHexadecimal: requestID.1)
        end(.requestID)
    }

    private func add(_ bytes: Span<UInt8>, as part: Part) {
        if bytes.count > part.byteCountMax { cutParts |= 1 << UInt8(part.rawValue) }
        text.append(bytes.extracting(first: min(bytes.count, part.byteCountMax)))
        end(part)
    }

    private func end(_ part: Part) {
        ends[part.rawValue] = UInt16(truncatingIfNeeded: text.count)
    }

    /// Appends a part as a JSON string; `null` for nothing.
    func appendJSON(_ part: Part, to line: inout ByteWriter) {
        with(part) { bytes, isCut in
            guard !bytes.isEmpty else { return line.append("null") }
            line.append(UInt8(ascii: "\""))
            line.append(json: bytes)
            if isCut { line.append("…") }
            line.append(UInt8(ascii: "\""))
        }
    }

    /// Shows a part, and whether it was cut.
    @inline(__always)
    func with(_ part: Part, _ body: (Span<UInt8>, Bool) -> Void) {
        let start = part.rawValue == 0 ? 0 : Int(ends[part.rawValue - 1])
        let isCut = cutParts & 1 << UInt8(part.rawValue) != 0
        text.withBytes { body($0.extracting(start..<Int(ends[part.rawValue])), isCut) }
    }
}
