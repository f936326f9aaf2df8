import HTTPParser

/// What the admin listener answers to requests that it may answer.
struct AdminAnswers: Sendable {
    let status: ProcessStatus

    func answer(_ request: AdminRequest) -> AdminResponse {
        switch request.path {
        case ["healthz"]: reading(request) { AdminResponse(status: 200, "alive") }
        case ["readyz"]: reading(request, readiness)
        case ["metrics"]:
            reading(request) { AdminResponse(.metrics, MetricsReport.make(status)) }
        default: AdminResponse(status: 404, "there is nothing here")
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

    private func readiness() -> AdminResponse {
        switch status.phase {
        case .starting: AdminResponse(status: 503, "starting")
        case .ready: AdminResponse(status: 200, "ready")
        case .draining: AdminResponse(status: 503, "draining")
        case .replaced: AdminResponse(status: 503, "replaced")
        }
    }
}
