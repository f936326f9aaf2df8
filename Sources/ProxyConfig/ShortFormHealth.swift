import ProxyCore

/// Reads what the short form says of a service's health.
struct ShortFormHealth {
    let reader: Reader

    func read(_ keys: Fields, into service: inout Service) {
        if let entry = keys["passiveHealth"] { readPassive(entry, &service.passiveHealth) }
        if let entry = keys["healthCheck"] { service.healthCheck = check(entry) }
        if let entry = keys["healthCheckNodePort"],
            let port = reader.integer(entry, in: 1...65_535)
        {
            service.nodeCheck = .node(port: UInt16(port))
        }
    }

    private func readPassive(_ entry: YAMLEntry, _ rule: inout PassiveHealth) {
        guard let keys = reader.fields(entry, ShortFormSchema.passiveHealth) else { return }
        // 255: what one byte of a backend's shared state counts.
        if let fails = keys["maxFails"].flatMap({ reader.integer($0, in: 0...255) }) {
            rule.maxFails = UInt8(fails)
        }
        if let timeout = keys["failTimeout"].flatMap(duration) { rule.failTimeout = timeout }
        if let threshold = keys["panicThreshold"].flatMap(percent) {
            rule.panicThreshold = threshold
        }
    }

    private func percent(_ entry: YAMLEntry) -> Int? {
        guard let text = entry.value.text, text.hasSuffix("%"),
            let number = Int(text.dropLast()), (0...100).contains(number)
        else {
            reader.fault(entry, mustBe: "a percentage from 0% to 100%")
            return nil
        }
        return number
    }

    private func check(_ entry: YAMLEntry) -> HealthCheck? {
        guard let keys = reader.fields(entry, ShortFormSchema.healthCheck) else { return nil }
        var check = HealthCheck(question(keys["path"]))
        if let port = keys["port"].flatMap({ reader.integer($0, in: 1...65_535) }) {
            check.port = UInt16(port)
        }
        // It becomes a field line of the check, and a name holds nothing that could end one.
        check.host = keys["host"].flatMap(reader.name)
        if let interval = keys["interval"].flatMap(duration) { check.interval = interval }
        if let timeout = keys["timeout"].flatMap(duration) { check.timeout = timeout }
        if let rise = keys["rise"].flatMap({ reader.integer($0, in: 1...100) }) {
            check.rise = UInt8(rise)
        }
        if let fall = keys["fall"].flatMap({ reader.integer($0, in: 1...100) }) {
            check.fall = UInt8(fall)
        }
        if let expected = keys["expect"].flatMap(statuses) { check.expected = expected }
        return check
    }

    private func question(_ path: YAMLEntry?) -> HealthCheck.Question {
        guard let path else { return .connect }
        let text = path.value.text ?? ""
        // It becomes a request line.
        guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            reader.fault(path, mustBe: "a path such as /healthz, of visible ASCII characters")
            return .connect
        }
        return .http(path: text)
    }

    /// Checks more often than a hundred times a second are a mistake.
    private func duration(_ entry: YAMLEntry) -> Duration? {
        guard let duration = reader.duration(entry) else { return nil }
        guard duration >= .milliseconds(10) else {
            reader.fault(entry, mustBe: "at least 10ms")
            return nil
        }
        return duration
    }

    /// `200`, `200-399`, or several of these between commas.
    private func statuses(_ entry: YAMLEntry) -> [ClosedRange<UInt16>]? {
        let parts = (entry.value.text ?? "").split(
            separator: ",", omittingEmptySubsequences: false)
        let ranges = parts.compactMap(range)
        guard !ranges.isEmpty, ranges.count == parts.count else {
            reader.fault(entry, mustBe: "statuses such as 200, 200-399 or 200,204")
            return nil
        }
        return ranges
    }

    private func range(_ text: Substring) -> ClosedRange<UInt16>? {
        let ends = text.filter { $0 != " " }.split(
            separator: "-", omittingEmptySubsequences: false)
        guard let first = ends.first.flatMap({ UInt16($0) }), ends.count <= 2,
            let last = ends.last.flatMap({ UInt16($0) }), first >= 100, last <= 599, first <= last
        else { return nil }
        return first...last
    }
}

extension Draft {
    /// `disable-on-404` of a route is about the check of its service.
    mutating func drainOn404(service: Int, _ reader: Reader, at position: Position) {
        guard case .http = configuration.services[service].healthCheck?.question else {
            return reader.warn(
                "disable-on-404 has no effect: the service has no 'healthCheck' with a 'path'",
                at: position)
        }
        configuration.services[service].healthCheck?.drainsOn404 = true
    }
}
