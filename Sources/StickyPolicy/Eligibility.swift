/// Which candidates may own a key.
enum Eligibility {
    /// Whoever has a weight, in any state: where the key is at home.
    case home
    /// Who takes new clients and was not tried: where the key goes in need.
    case refuge(excluding: TriedBackends)
    /// As `refuge`, and with no more load than its share allows.
    case unburdened(excluding: TriedBackends)

    func admits(_ candidate: Candidate, at position: Int) -> Bool {
        switch self {
        case .home: candidate.weight > 0
        case .refuge(let tried): candidate.takesNewClients && !tried.contains(position)
        case .unburdened(let tried):
            candidate.takesNewClients && !candidate.isOverloaded && !tried.contains(position)
        }
    }
}
