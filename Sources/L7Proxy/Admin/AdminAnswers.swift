import HTTPParser
import StickyPolicy

/// What the admin listener answers to requests that it may answer.
struct AdminAnswers: Sendable {
    let status: ProcessStatus

    func answer(_ request: AdminRequest) -> AdminResponse {
        switch request.path {
        case []: reading(request, DashboardPage.response)
        case ["healthz"]: reading(request) { AdminResponse(status: 200, "alive") }
        case ["readyz"]: reading(request, readiness)
        case ["metrics"]:
            reading(request) { AdminResponse(.metrics, MetricsReport.make(status)) }
        case let path where path.first == "api": answerAPI(Array(path.dropFirst()), request)
        default: AdminAnswers.nothing
        }
    }

    private static let nothing = AdminResponse(status: 404, "there is nothing here")

    private func answerAPI(_ path: [String], _ request: AdminRequest) -> AdminResponse {
        guard let snapshot = status.current else {
            return AdminResponse(status: 503, "starting")
        }
        switch path {
        case ["backends"]: return reading(request) { BackendAnswers.list(snapshot) }
        case ["sessions"]:
            return reading(request) {
                SessionAnswers(snapshot, status.sessions).list(request)
            }
        case ["routes"]: return reading(request) { RouteAnswers.list(snapshot, request) }
        case ["explain"]: return reading(request) { ExplainAnswers.explain(request, snapshot) }
        case let path where path.count == 3 && path[0] == "backends":
            guard let state = BackendState(word: path[2]) else { return AdminAnswers.nothing }
            return order(request) {
                BackendAnswers.set(state, of: path[1], request, status.health)
            }
        default: return AdminAnswers.nothing
        }
    }

    /// Nothing but GET and HEAD asks a question.
    private func reading(
        _ request: AdminRequest, _ answer: () -> AdminResponse
    ) -> AdminResponse {
        guard request.method == .get || request.method == .head else {
            var refusal = AdminResponse(status: 405, "this can only be read")
            refusal.allow = "GET, HEAD"
            return refusal
        }
        return answer()
    }

    /// Nothing but POST gives an order.
    private func order(
        _ request: AdminRequest, _ answer: () -> AdminResponse
    ) -> AdminResponse {
        guard request.method == .post else {
            var refusal = AdminResponse(status: 405, "this is an order, and takes a POST")
            refusal.allow = "POST"
            return refusal
        }
        return answer()
    }

    private func readiness() -> AdminResponse {
        switch status.phase {
        case .starting: AdminResponse(status: 503, "starting")
        case .ready: AdminResponse(status: 200, "ready")
        case .draining: AdminResponse(status: 503, "draining")
        case .replaced: AdminResponse(status: 503, "replaced")
        }
    }
}

extension BackendState {
    /// As the routes file writes it.
    fileprivate init?(word: String) {
        switch word {
        case "ready": self = .ready
        case "drain": self = .drain
        case "down": self = .down
        default: return nil
        }
    }
}
