import Logging
import ProxyConfig
import ProxyCore
import Transport

/// How many clients the process takes.
extension Server {
    /// Takes the limits of the running configuration, as far as descriptors allow.
    ///
    /// - Parameter isFirst: nothing has been opened for clients yet.
    func adoptLimits(isFirst: Bool = false) {
        if isFirst {
            descriptors = (limit: Descriptors.raiseLimit(), open: Descriptors.openCount())
        }
        let limits = running.limits
        let available = DescriptorBudget.available(
            of: descriptors.limit, open: descriptors.open, workers: workerCount,
            listeners: running.listeners.count)
        let budget = DescriptorBudget(available: available, wanted: limits.connections)
        let before = admission.connectionsMax
        admission.adopt(running, budget, workers: workerCount)
        guard budget.clients != before, budget.isTight(for: limits.connections) else { return }
        log.warning(
            """
            \(descriptors.limit) descriptors may be open (ulimit -n), enough for \
            \(budget.clients) clients at once; more wait
            """)
    }
}
