import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// What one line of the access log says, in each of its formats.
struct AccessLogLine {
    let record: ExchangeRecord
    /// Nil where there was no head that could be read, or the log was off when it came.
    let excerpt: RequestExcerpt?
    /// When the exchange was over.
    let time: LogTime

    // MARK: - JSON

    /// Writes one object without its last members, the names, and its end.
    func writeJSON(to line: inout ByteWriter) {
        line.append("{\"time\":\"")
        time.appendISO8601(to: &line)
        line.append("\",\"client\":\"")
        writeAddresses(to: &line)
        writeRequest(to: &line)
        writeOutcome(to: &line)
        writeTimes(to: &line)
        line.append(",\"affinity\":\"")
        line.append(word: record.affinity.rawValue)
        line.append("\",\"reason\":\"")
        line.append(word: record.reason.rawValue)
        line.append("\",\"tries\":")
        line.append(decimal: UInt64(record.attempts))
    }

    /// Most clients are their own peers: the text is made once.
    private func writeAddresses(to line: inout ByteWriter) {
        let start = line.count
        record.client.append(to: &line)
        let client = ByteRange(start, line.count)
        line.append("\",\"peer\":\"")
        if record.peer == record.client {
            line.appendAgain(client)
        } else {
            record.peer.append(to: &line)
        }
        line.append("\"")
    }

    private func writeRequest(to line: inout ByteWriter) {
        let excerpt = self.excerpt
        write(.method, of: excerpt, as: ",\"method\":", to: &line)
        write(.target, of: excerpt, as: ",\"target\":", to: &line)
        write(.host, of: excerpt, as: ",\"host\":", to: &line)
        line.append(",\"protocol\":")
        line.append(excerpt == nil ? "null" : record.version == .http11 ? quoted11 : quoted10)
        line.append(record.isSecure ? ",\"tls\":true" : ",\"tls\":false")
        write(.referrer, of: excerpt, as: ",\"referrer\":", to: &line)
        write(.userAgent, of: excerpt, as: ",\"user_agent\":", to: &line)
        write(.requestID, of: excerpt, as: ",\"request_id\":", to: &line)
    }

    private var quoted10: StaticString { "\"HTTP/1.0\"" }
    private var quoted11: StaticString { "\"HTTP/1.1\"" }

    /// Inlined for its key, which is a few moves of constants then.
    @inline(__always)
    private func write(
        _ part: RequestExcerpt.Part, of excerpt: RequestExcerpt?, as key: StaticString,
        to line: inout ByteWriter
    ) {
        line.append(key)
        if let excerpt {
            excerpt.appendJSON(part, to: &line)
        } else {
            line.append("null")
        }
    }

    private func writeOutcome(to line: inout ByteWriter) {
        line.append(",\"status\":")
        if record.status == 0 {
            line.append("null")
        } else {
            line.append(decimal: UInt64(record.status))
        }
        line.append(record.isLocal ? ",\"local\":true" : ",\"local\":false")
        line.append(",\"end\":\"")
        line.append(record.end.name)
        line.append("\",\"request_bytes\":")
        line.append(decimal: record.requestByteCount)
        line.append(",\"response_bytes\":")
        line.append(decimal: record.responseByteCount)
    }

    private func writeTimes(to line: inout ByteWriter) {
        let times = record.times
        line.append(",\"duration_ms\":")
        write(from: times.arrival, to: times.end, &line)
        line.append(",\"forward_ms\":")
        write(from: times.arrival, to: times.forwarding, &line)
        line.append(",\"answer_ms\":")
        write(from: times.forwarding, to: times.answer, &line)
    }

    /// Milliseconds with three places; null for what never was.
    private func write(
        from start: MonotonicTime, to end: MonotonicTime, _ line: inout ByteWriter
    ) {
        guard end != .distantFuture, start <= end else { return line.append("null") }
        let microseconds = (end.nanoseconds - start.nanoseconds) / 1_000
        line.append(decimal: microseconds / 1_000)
        line.append(UInt8(ascii: "."))
        line.append(threeDigits: microseconds % 1_000)
    }

    // MARK: - Combined

    /// As nginx: `$remote_addr - - [$time_local] "$request" $status $body_bytes_sent
    /// "$http_referer" "$http_user_agent"`.
    func writeCombined(to line: inout ByteWriter) {
        record.client.append(to: &line)
        line.append(" - - [")
        time.appendCommonLog(to: &line)
        line.append("] \"")
        writeRequestLine(to: &line)
        line.append("\" ")
        // nginx's number for a client that did not wait for any answer.
        let status = record.status == 0 && record.end == .clientLeft ? 499 : record.status
        line.append(threeDigits: UInt64(status))
        line.append(UInt8(ascii: " "))
        line.append(decimal: record.responseByteCount)
        line.append(" \"")
        writeCombined(.referrer, to: &line)
        line.append("\" \"")
        writeCombined(.userAgent, to: &line)
        line.append("\"\n")
    }

    private func writeRequestLine(to line: inout ByteWriter) {
        guard excerpt != nil else { return line.append("-") }
        writeCombined(.method, to: &line)
        line.append(UInt8(ascii: " "))
        writeCombined(.target, to: &line)
        line.append(record.version == .http11 ? " HTTP/1.1" : " HTTP/1.0")
    }

    private func writeCombined(_ part: RequestExcerpt.Part, to line: inout ByteWriter) {
        guard let excerpt else { return line.append("-") }
        excerpt.with(part) { bytes, isCut in
            guard !bytes.isEmpty else { return line.append("-") }
            line.append(combined: bytes)
            if isCut { line.append("...") }
        }
    }
}

extension ExchangeRecord.End {
    /// Its word in logs and counters.
    var name: StaticString {
        switch self {
        case .complete: "complete"
        case .refused: "refused"
        case .clientLeft: "client_left"
        case .backendFailed: "backend_failed"
        case .timedOut: "timed_out"
        case .stopped: "stopped"
        }
    }
}

extension ByteWriter {
    /// Appends a short word of ours.
    fileprivate mutating func append(word: String) {
        append(word.utf8.span)
    }

    fileprivate mutating func append(threeDigits number: UInt64) {
        if number < 100 { append(UInt8(ascii: "0")) }
        if number < 10 { append(UInt8(ascii: "0")) }
        append(decimal: number)
    }
}
