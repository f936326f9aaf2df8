import ProxyConfig
import StickyPolicy
import Transport

/// All metrics of the process at one moment: what the workers have counted, summed up, and what the
/// configuration and the backends are like.
struct MetricsReport {
    private let status: ProcessStatus
    private var text = MetricsText()

    static func make(_ status: ProcessStatus) -> [UInt8] {
        var report = MetricsReport(status: status)
        report.addProcess()
        report.addReloads()
        report.addNames()
        report.addConnections()
        RouteMetrics(status.workers).add(to: &report.text)
        report.addPools()
        if let snapshot = status.current {
            BackendMetrics(snapshot).add(to: &report.text)
            report.addConfiguration(snapshot)
        }
        return report.text.bytes
    }

    private init(status: ProcessStatus) {
        self.status = status
    }

    private mutating func addProcess() {
        text.begin("l7proxy_build_info", .gauge, "The version, as a label; always 1.")
        text.add(1 as UInt64, ("version", ProgramVersion.text))
        text.begin("process_start_time_seconds", .gauge, "Start of the process, since 1970.")
        text.add(Double(status.startedAt))
        text.begin("process_cpu_seconds_total", .counter, "User and system time of the process.")
        text.add(ProcessorTime.ofProcess())
        let memory = ProcessMemory()
        defer { memory.close() }
        if let resident = memory.residentByteCount() {
            text.add("process_resident_memory_bytes", .gauge, "Resident size.", resident)
        }
        text.add(
            "l7proxy_ready", .gauge, "1 when /readyz says so.", status.phase == .ready ? 1 : 0)
        text.add("l7proxy_workers", .gauge, "Event loops.", UInt64(status.workers.count))
        text.add(
            "l7proxy_access_log_lines_dropped_total", .counter,
            "Lines of the access log that could not be written.",
            UInt64(status.logs.access.droppedCount))
        text.begin(
            "l7proxy_log_lines_dropped_total", .counter, "Lines of the error log, by reason.")
        text.add(UInt64(status.logs.errors.limitedCount), ("reason", "limit"))
        text.add(UInt64(status.logs.errors.lostCount), ("reason", "unread"))
        text.add(
            "l7proxy_patterns_given_up_total", .counter,
            "Searches for a pattern that reached a limit, and were no match.",
            UInt64(RegularExpression.givenUpCount))
    }

    private mutating func addReloads() {
        let reloads = status.reloads
        text.add(
            "l7proxy_config_reloads_total", .counter, "Reloads that were taken into use.",
            reloads.succeeded)
        text.add(
            "l7proxy_config_reload_failures_total", .counter,
            "Reloads that changed nothing, because something was wrong.", reloads.failed)
        text.begin(
            "l7proxy_config_last_load_timestamp_seconds", .gauge,
            "When the running configuration was taken into use, since 1970.")
        text.add(Double(reloads.lastAt))
        text.add(
            "l7proxy_reload_tunnels_kept_total", .counter,
            "Tunnels that a reload found open and left so.", sum(.tunnelsKeptByReload))
        text.add(
            "l7proxy_drain_tunnels_closed_total", .counter,
            "Tunnels that were told to end because their backend drains or is gone.",
            sum(.tunnelsClosedByDrain))
    }

    private mutating func addNames() {
        guard let counts = status.names?.counts else { return }
        text.add(
            "l7proxy_dns_lookups_total", .counter,
            "Look-ups of host names of backends that have ended.", counts.attempts)
        text.add(
            "l7proxy_dns_failures_total", .counter,
            "Look-ups that found no address; what was found before stays in use.",
            counts.failures)
        text.add(
            "l7proxy_dns_changes_total", .counter,
            "Answers that differed from the one before.", counts.changes)
    }

    private func sum(_ event: WorkerCounters.Event) -> UInt64 {
        status.workers.reduce(0) { $0 &+ $1.count(of: event) }
    }

    private mutating func addConnections() {
        text.add(
            "l7proxy_connections", .gauge, "Client connections now.",
            UInt64(max(0, status.admission.connectionCount)))
        text.add(
            "l7proxy_connections_accepted_total", .counter, "Client connections.", sum(.accepted))
        text.begin(
            "l7proxy_connections_refused_total", .counter,
            "Client connections that were closed at once, by reason.")
        text.add(sum(.refusedForClientLimit), ("reason", "client_limit"))
        text.add(sum(.refusedForDescriptors), ("reason", "descriptors"))
        addPlaces()
        text.begin(
            "l7proxy_tls_handshakes_total", .counter, "TLS handshakes of clients, by result.")
        text.add(sum(.handshakesCompleted), ("result", "completed"))
        text.add(sum(.handshakesFailed), ("result", "failed"))
        text.add(sum(.handshakesInPlainText), ("result", "plain_text"))
        text.add(
            "l7proxy_sessions", .gauge,
            "Entries of the session table (by address, and learned), some past their time.",
            UInt64(max(0, status.sessions.count)))
        text.add(
            "l7proxy_sessions_max", .gauge, "The most that the session table holds.",
            UInt64(status.sessions.limit))
    }

    /// What becomes of clients when there are too many.
    private mutating func addPlaces() {
        text.add(
            "l7proxy_connections_max", .gauge,
            "Client connections that there may be; 0: no bound.",
            UInt64(max(0, status.admission.connectionsMax)))
        text.begin(
            "l7proxy_accept_pauses_total", .counter,
            "Looks at a listener that left its clients waiting, by reason.")
        text.add(sum(.pausedForConnections), ("reason", "connections"))
        text.add(sum(.pausedForListener), ("reason", "listener"))
        text.add(sum(.pausedForMemory), ("reason", "memory"))
        text.add(sum(.pausedForDescriptors), ("reason", "descriptors"))
        text.add(
            "l7proxy_connections_made_room_total", .counter,
            "Kept client connections that ended because others waited.", sum(.madeRoom))
        text.begin(
            "l7proxy_listener_connections", .gauge, "Client connections now, by listener.")
        for listener in status.admission.listeners {
            text.add(UInt64(max(0, listener.connectionCount)), ("listener", listener.name))
        }
    }

    /// Pools of several workers, source addresses and TLS settings have one address in common.
    private mutating func addPools() {
        var pools: [String: (idle: UInt64, opened: UInt64, reused: UInt64)] = [:]
        for pool in status.workers.flatMap(\.published.pools) {
            var sum = pools[pool.address] ?? (0, 0, 0)
            sum.idle &+= pool.idle
            sum.opened &+= pool.count(of: .opened)
            sum.reused &+= pool.count(of: .reused)
            pools[pool.address] = sum
        }
        let sorted = pools.sorted { $0.key < $1.key }
        text.begin(
            "l7proxy_upstream_connections_idle", .gauge,
            "Connections to a backend that wait for a request.")
        for (address, pool) in sorted { text.add(pool.idle, ("address", address)) }
        text.begin(
            "l7proxy_upstream_connections_opened_total", .counter,
            "Connections to a backend that were begun.")
        for (address, pool) in sorted { text.add(pool.opened, ("address", address)) }
        text.begin(
            "l7proxy_upstream_connections_reused_total", .counter,
            "Requests that went over a kept connection to a backend.")
        for (address, pool) in sorted { text.add(pool.reused, ("address", address)) }
    }

    private mutating func addConfiguration(_ snapshot: ConfigSnapshot) {
        let configuration = snapshot.configuration
        text.add(
            "l7proxy_config_routes", .gauge, "Routes of the running configuration.",
            UInt64(configuration.routes.count))
        text.add(
            "l7proxy_config_services", .gauge, "Services of the running configuration.",
            UInt64(configuration.services.count))
        text.begin(
            "l7proxy_certificate_not_after_seconds", .gauge,
            "When a certificate that clients are shown ends, since 1970.")
        for expiry in snapshot.certificateExpiries {
            text.add(Double(expiry.notAfter), ("certificate", expiry.name))
        }
        text.begin(
            "l7proxy_queue_length", .gauge, "Requests that wait for a place at a backend.")
        for health in snapshot.health {
            guard let waiting = health.waiting else { continue }
            text.add(UInt64(max(0, waiting.current)), ("service", health.name))
        }
    }
}
