import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// What became of one request: made once, when its exchange ends, for whoever counts or writes it
/// down. It owns no bytes of the request.
struct ExchangeRecord: Sendable {
    /// Why an exchange is over. The first reason that is known counts.
    enum End: UInt8, Sendable, CaseIterable {
        /// The whole answer was handed to the client's connection, or both sides have ended a
        /// tunnel.
        case complete
        /// The proxy answered in the place of a backend: a refusal, a redirect, nobody to serve it.
        case refused
        /// The client went before its answer was whole.
        case clientLeft
        /// The backend could not be reached, gave no answer that can be read, or broke one off.
        case backendFailed
        /// Somebody was too slow; the status says who, if there was room for one.
        case timedOut
        /// The process has ended it.
        case stopped
    }

    var end = End.complete
    /// What the client was told; 0 when nothing was.
    var status: UInt16 = 0
    /// The status is of the proxy's own making.
    var isLocal = false
    var method = RequestMethod.other
    var version = HTTPVersion.http11
    /// The client's connection is TLS.
    var isSecure = false
    /// The connection changed its protocol: a WebSocket, mostly.
    var isTunnel = false

    /// Who the client is, by `clientIP`.
    var client: IPAddress
    /// The other end of the client's connection.
    var peer: IPAddress

    /// Where it went, by the configuration that it began under, or by `names`.
    var place = Place()
    /// Non-nil exactly for an exchange that has outlived its configuration: then the positions of
    /// `place` are of one that is gone.
    var names: ExchangeNames?
    var affinity = AffinityKind.none
    var reason = AffinityReason.none
    /// Connections to backends that were tried; 0 for a request that no backend was to see.
    var attempts: UInt8 = 0

    /// Bytes of content that were taken from the client and handed to it: bodies without their
    /// framing, and what a tunnel carries.
    var requestByteCount: UInt64 = 0
    var responseByteCount: UInt64 = 0

    var times = Times()

    /// Positions in the configuration; nil for none.
    struct Place: Sendable, Equatable {
        /// Nil with a service: the default one.
        var route: Int?
        var service: Int?
        /// Within the service.
        var backend: Int?
    }

    /// Moments of the loop's clock, which stands still within a turn.
    struct Times: Sendable {
        /// The head of the request was whole.
        var arrival = MonotonicTime.distantFuture
        /// The request was sent to the backend that was asked last; the distant future: never.
        var forwarding = MonotonicTime.distantFuture
        /// The head of the final response came; the distant future: never.
        var answer = MonotonicTime.distantFuture
        var end = MonotonicTime.distantFuture
    }
}

/// Where an exchange goes, in words: for one whose configuration is gone.
final class ExchangeNames: Sendable {
    let route: String?
    let service: String?
    let backend: String?
    /// What it is counted as: with many others, where there are more routes than counters.
    let counted: (route: String, service: String)

    fileprivate init(
        _ place: ExchangeRecord.Place, _ configuration: Configuration,
        counted: (route: String, service: String)?
    ) {
        let service = place.service.map { configuration.services[$0] }
        route = place.route.map { configuration.routes[$0].name }
        self.service = service?.name
        backend = place.backend.flatMap { service?.backends[$0].name }
        self.counted = counted ?? (route ?? "", service?.name ?? "")
    }
}

extension Configuration {
    /// What the positions stand for.
    ///
    /// - Parameter counted: what it is counted as, if not as what it is.
    func names(
        of place: ExchangeRecord.Place, counted: (route: String, service: String)? = nil
    ) -> ExchangeNames {
        ExchangeNames(place, self, counted: counted)
    }
}
