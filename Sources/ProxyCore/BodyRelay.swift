package import HTTPParser

/// Moves one message body: finds its end by the framing it came with, and gives it the framing it
/// leaves with.
///
/// Bodies of known length pass untouched. Everything else is framed anew, so that the next party
/// always reads its boundaries from bytes of our own (RFC 9112 §11.2).
///
/// There is one for each body, and no second one can be made of it by accident.
package struct BodyRelay: ~Copyable, Sendable {
    /// How the body leaves.
    package enum Target: Equatable, Sendable {
        /// As many bytes as came, without framing of their own.
        case plain
        case chunked
    }

    private enum Source: Sendable {
        case none
        case length(remaining: UInt64)
        case chunked(ChunkedDecoder)
        case untilClose
    }

    private var source: Source
    private var target: Target
    private var passesTrailers: Bool
    /// What has come of the trailer section, when it is to be passed on. The decoder bounds it.
    private var trailers: [UInt8] = []
    /// Bytes of content moved so far.
    package private(set) var contentCount: UInt64 = 0

    /// - Parameter passesTrailers: trailer fields may go on, from chunks to chunks. Elsewhere there
    ///   is no room for them, and they end here (RFC 9110 §6.5.1).
    package init(framing: BodyFraming, target: Target, passesTrailers: Bool = false) {
        self.target = target
        self.passesTrailers = passesTrailers && target == .chunked
        source = BodyRelay.source(framing)
    }

    /// Begins anew, with the next body: as `init`, without letting go of what need not be.
    package mutating func begin(
        framing: BodyFraming, target: Target, passesTrailers: Bool = false
    ) {
        self.target = target
        self.passesTrailers = passesTrailers && target == .chunked
        source = BodyRelay.source(framing)
        contentCount = 0
        if !trailers.isEmpty { trailers = [] }
    }

    private static func source(_ framing: BodyFraming) -> Source {
        switch framing {
        case .none: .none
        case .length(let count): .length(remaining: count)
        case .chunked: .chunked(ChunkedDecoder())
        case .untilClose: .untilClose
        }
    }

    /// What one chunk of ours costs besides its content: sixteen digits and two line ends.
    package static var chunkOverheadMax: Int { 20 }

    /// Whether the whole body was moved. A body that ends with the connection never says so here.
    package var isComplete: Bool {
        switch source {
        case .none: true
        case .length(let remaining): remaining == 0
        case .chunked(let decoder): decoder.isDone
        case .untilClose: false
        }
    }

    package var endsWithConnection: Bool {
        if case .untilClose = source { true } else { false }
    }

    /// Bytes may be taken as they are, without looking at them.
    package var isPlain: Bool {
        switch source {
        case .none, .length: true
        case .untilClose: target == .plain
        case .chunked: false
        }
    }

    /// Takes as many of `available` bytes as belong to a plain body.
    package mutating func takePlain(_ available: Int) -> Int {
        precondition(isPlain)
        var taken = available
        switch source {
        case .none: return 0
        case .length(let remaining):
            taken = Int(min(UInt64(available), remaining))
            source = .length(remaining: remaining - UInt64(taken))
        case .untilClose, .chunked: break
        }
        contentCount += UInt64(taken)
        return taken
    }

    /// Moves bytes of a body that is not plain from `offset` on, to the end of the body or of the
    /// span, and leaves `offset` behind the last byte that was taken.
    ///
    /// The writer needs room for the span and `chunkOverheadMax`: no chunk costs us more than it
    /// cost its sender, but for one that is cut by the end of the span.
    package mutating func reframe(
        _ bytes: Span<UInt8>, from offset: inout Int, into writer: inout ByteWriter
    ) throws(ParseError) {
        guard case .chunked(var decoder) = source else {
            write(bytes, ByteRange(offset, bytes.count), into: &writer)
            offset = bytes.count
            return
        }
        defer { source = .chunked(decoder) }
        while true {
            switch try decoder.next(in: bytes, from: &offset) {
            case .needMore: return
            case .data(let content): write(bytes, content, into: &writer)
            case .trailer(let part): if passesTrailers { keep(bytes.extracting(part.offsets)) }
            case .end:
                finish(into: &writer)
                return
            }
        }
    }

    /// Writes the end of a body that the close of its connection has ended.
    package mutating func finish(into writer: inout ByteWriter) {
        guard target == .chunked else { return }
        writer.append("0\r\n")
        if !trailers.isEmpty { TrailerRule.write(trailers.span, into: &writer) }
        writer.append("\r\n")
    }

    /// Nearly every section is an empty line and nothing else, for which nothing is allocated.
    private mutating func keep(_ part: Span<UInt8>) {
        if trailers.isEmpty, part.count == 2 { return }
        for index in part.indices { trailers.append(part[index]) }
    }

    private mutating func write(
        _ bytes: Span<UInt8>, _ content: ByteRange, into writer: inout ByteWriter
    ) {
        guard !content.isEmpty else { return }
        contentCount += UInt64(content.count)
        guard target == .chunked else { return writer.append(bytes, content) }
        writer.append(hexadecimal: UInt64(content.count))
        writer.append("\r\n")
        writer.append(bytes, content)
        writer.append("\r\n")
    }
}
