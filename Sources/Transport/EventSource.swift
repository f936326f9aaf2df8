/// What a loop watches: a connection or a listener.
///
/// A base class and not a protocol, so that a slot is one pointer and a call through it one jump.
package class EventSource {
    /// Where the loop keeps this source: `.none` exactly when it watches it no more.
    final var token = EventToken.none
    /// The moment at which `deadlinePassed` is due.
    final var deadlineTime = MonotonicTime.distantFuture
    /// The moment the timer wheel knows. It is never later than `deadlineTime`, and earlier when
    /// the deadline was moved back, which is nearly always: then nobody touches the wheel.
    final var armedTime = MonotonicTime.distantFuture
    /// The loop calls again in its next turn.
    final var isQueuedToRun = false
    /// It waits for its turn to do a step of its handshake.
    final var isQueuedToShake = false

    init() {}

    /// Something happened; without events, the loop calls because it was asked to.
    func eventsArrived(_ events: ReadyEvents) {}

    func deadlinePassed() {}

    /// The loop grants one step of the handshake that was asked for.
    func handshakeGranted() {}
}
