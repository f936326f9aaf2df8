/// What a client of the admin listener may hold, and for how long.
struct AdminLimits: Sendable {
    /// 64: probes, scrapers and a few people. More make room: the idle first, then the oldest.
    var connections = 64
    /// 64 MiB: answers that were made and not taken yet, of all connections; those of 1,000 routes'
    /// metrics have 8. Beyond it the oldest connections make room.
    var answerBytes = 64 * 1024 * 1024
    /// For a whole request, however it drips in.
    var requestTime = Duration.seconds(10)
    /// Between two requests: more than the minute between two scrapes.
    var idleTime = Duration.seconds(75)
    /// For each piece of an answer.
    var pieceTime = Duration.seconds(10)
    /// 16 KiB: a browser's head with cookies of other local programs.
    var headBytes = 16 * 1024
    /// 4 KiB: nothing here takes a body, and some clients send one all the same.
    var bodyBytes: UInt64 = 4096
}
