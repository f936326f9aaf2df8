import StickyPolicy
import Transport

/// What has to be noted of an exchange on its way, because nothing else will know it at the end.
struct ExchangeProgress {
    /// From the head of the request, or the first word about a bad one, to the record.
    private(set) var isOpen = false
    private(set) var hasHead = false
    private(set) var isLocal = false
    private(set) var status: UInt16 = 0
    /// Position in the configuration's routes; -1 for none.
    private var routePosition: Int32 = -1
    private(set) var end: ExchangeRecord.End?
    private(set) var client = IPAddress(v4: 0)
    var times = ExchangeRecord.Times()
    /// Towards the client: what a tunnel has carried, or the body of a local response.
    var downByteCount: UInt64 = 0

    init() {}

    /// What came is no request, or only the beginning of one.
    init(withoutHeadAt now: MonotonicTime, from client: IPAddress) {
        isOpen = true
        self.client = client
        times.arrival = now
    }

    /// An exchange begins.
    init(at now: MonotonicTime, from client: IPAddress, route: Int?) {
        isOpen = true
        hasHead = true
        self.client = client
        routePosition = route.map { Int32(clamping: $0) } ?? -1
        times.arrival = now
    }

    var route: Int? { routePosition >= 0 ? Int(routePosition) : nil }

    /// The head of the final response has come.
    mutating func answered(_ status: UInt16, at now: MonotonicTime) {
        self.status = status
        times.answer = now
    }

    /// The proxy answers for itself.
    mutating func answeredLocally(_ status: UInt16, byteCount: Int) {
        isLocal = true
        self.status = status
        downByteCount = UInt64(byteCount)
        switch status {
        case 408, 504: note(.timedOut)
        case 502: note(.backendFailed)
        default: note(.refused)
        }
    }

    /// Notes why the exchange will end, unless that is known.
    mutating func note(_ end: ExchangeRecord.End) {
        if isOpen, self.end == nil { self.end = end }
    }
}
