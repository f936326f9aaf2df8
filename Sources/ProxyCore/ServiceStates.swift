package import StickyPolicy

/// What the health of a service's backends comes to: the state that each is used in.
///
/// Health may never leave a service without a backend, since a wrong verdict on all of them is
/// likelier than that none of them answers. So the verdicts are doubted one kind after the other,
/// the weakest first, until somebody takes new clients.
package struct ServiceStates: Equatable, Sendable {
    /// Which verdicts are passed over; each includes those before it.
    package enum Doubt: Int, Comparable, Sendable {
        case nothing
        /// What failing requests took out is used.
        case ejections
        /// What a check wants drained takes new clients.
        case drains
        /// What a check found down is used.
        case downs

        package static func < (left: Doubt, right: Doubt) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    package private(set) var states: [BackendState]
    package private(set) var doubt = Doubt.nothing

    /// - Parameters:
    ///   - wanted: the states that the operator wants; health makes none of them better.
    ///   - health: of the same backends.
    package init(
        wanted: [BackendState], health: [BackendHealth], panicThreshold: Int
    ) {
        precondition(wanted.count == health.count)
        states = wanted
        // Where the operator drains all, bound clients still need one.
        let needed = wanted.min { $0.rawValue < $1.rawValue } ?? .down
        if ServiceStates.isPanic(wanted, health, threshold: panicThreshold) { doubt = .ejections }
        apply(health, wanted)
        while !states.contains(needed), let next = Doubt(rawValue: doubt.rawValue + 1) {
            doubt = next
            apply(health, wanted)
        }
    }

    private mutating func apply(_ health: [BackendHealth], _ wanted: [BackendState]) {
        for index in wanted.indices {
            states[index] = BackendState.worse(wanted[index], verdict(on: health[index]))
        }
    }

    /// Uses an ejected backend for a trial: as if it were not ejected.
    package mutating func admit(_ index: Int, wanted: BackendState, _ health: BackendHealth) {
        states[index] = BackendState.worse(wanted, health.checked)
    }

    private func verdict(on health: BackendHealth) -> BackendState {
        if health.isEjected && doubt < .ejections { return .down }
        switch health.checked {
        case .ready: return .ready
        case .drain: return doubt < .drains ? .drain : .ready
        case .down: return doubt < .downs ? .down : .ready
        }
    }

    /// Whether more backends than the threshold would be out, of those that the operator wants.
    private static func isPanic(
        _ wanted: [BackendState], _ health: [BackendHealth], threshold: Int
    ) -> Bool {
        var known = 0
        var out = 0
        var ejected = 0
        for index in wanted.indices where wanted[index] != .down {
            known += 1
            if health[index].isEjected { ejected += 1 }
            if health[index].isEjected || health[index].checked == .down { out += 1 }
        }
        return ejected > 0 && out * 100 > threshold * known
    }
}

extension BackendState {
    fileprivate static func worse(_ left: BackendState, _ right: BackendState) -> BackendState {
        left.rawValue > right.rawValue ? left : right
    }
}
