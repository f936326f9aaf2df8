/// Metrics in the text format of Prometheus, version 0.0.4.
///
/// Samples of one family stand together behind its HELP and TYPE lines; whoever writes them sees to
/// it that no two have the same labels.
struct MetricsText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Label = (name: StaticString, value: String)

    private(set) var bytes: [UInt8] = []
    private var family: StaticString = ""

    /// Begins a family; the samples that follow are of it.
    mutating func begin(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        family = name
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// A family of one sample without labels.
    mutating func add(
        _ name: StaticString, _ kind: Kind, _ help: StaticString, _ value: UInt64
    ) {
        begin(name, kind, help)
        add(value)
    }

    mutating func add(_ value: UInt64, _ labels: Label...) {
        add("\(value)", labels, "")
    }

    /// Shown with all the digits it has.
    mutating func add(_ value: Double, _ labels: Label...) {
        add("\(value)", labels, "")
    }

    /// A histogram's samples, in the buckets of `DurationBuckets`.
    ///
    /// - Parameters:
    ///   - counts: of each bucket alone; one more than there are bounds.
    ///   - sum: seconds.
    mutating func addHistogram(counts: [UInt64], sum: Double, _ labels: [Label]) {
        let bounds = DurationBuckets.bounds
        var total: UInt64 = 0
        for (position, count) in counts.enumerated() {
            total &+= count
            let bound = position < bounds.count ? "\(bounds[position])" : "+Inf"
            add("\(total)", labels + [("le", bound)], "_bucket")
        }
        add("\(sum)", labels, "_sum")
        add("\(total)", labels, "_count")
    }

    private mutating func add(_ value: String, _ labels: [Label], _ suffix: StaticString) {
        append("\(family)\(suffix)")
        var separator = UInt8(ascii: "{")
        for label in labels {
            bytes.append(separator)
            append("\(label.name)=\"")
            appendEscaped(label.value)
            bytes.append(UInt8(ascii: "\""))
            separator = UInt8(ascii: ",")
        }
        if !labels.isEmpty { bytes.append(UInt8(ascii: "}")) }
        append(" \(value)\n")
    }

    private mutating func append(_ text: String) {
        bytes += text.utf8
    }

    /// The format knows three escapes in label values; all other bytes stand as they are.
    private mutating func appendEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\n"): append("\\n")
            default: bytes.append(byte)
            }
        }
    }
}
