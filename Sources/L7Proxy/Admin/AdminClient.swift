import ArgumentParser
import HTTPParser
import Transport

/// One request to the admin listener of a running process, for the commands that ask one.
final class AdminClient: ConnectionHandler {
    /// What became of it.
    enum Outcome {
        case answer(status: UInt16, body: [UInt8])
        /// Nobody listens, or what came is no answer.
        case failed(String)
    }

    /// 64 MiB: more than any page of answers.
    private static let bytesMax = 64 * 1024 * 1024
    /// From the beginning to the end of the answer.
    private static let patience = Duration.seconds(30)

    private let request: [UInt8]
    private var received: [UInt8] = []
    private var hasSent = false
    private var failure: String?
    private var isDone = false

    private init(request: String) {
        self.request = Array(request.utf8)
    }

    /// Asks, and waits for the answer.
    ///
    /// - Parameter target: path and query, encoded.
    static func ask(
        _ method: String, _ target: String, at place: AdminTarget
    ) -> Outcome {
        guard let address = place.socketAddress else {
            return .failed("\(place.text) is no address")
        }
        var lines = ["\(method) \(target) HTTP/1.1", "Host: \(place.host)", "Connection: close"]
        do throws(AdminFailure) {
            if let token = try place.token() { lines.append("Authorization: Bearer \(token)") }
        } catch {
            return .failed("\(error)")
        }
        if method == "POST" { lines.append("Content-Length: 0") }
        let client = AdminClient(request: lines.joined(separator: "\r\n") + "\r\n\r\n")
        do throws(SystemError) {
            let loop = try EventLoop()
            let connection = try Connection.connect(to: address, loop: loop)
            connection.handler = client
            connection.deadline = loop.now + patience
            while !client.isDone { loop.turn() }
            connection.close()
        } catch {
            return .failed("cannot reach \(place.text): \(error)")
        }
        return client.outcome(at: place)
    }

    private func outcome(at place: AdminTarget) -> Outcome {
        if let failure { return .failed("cannot reach \(place.text): \(failure)") }
        guard let answer = AdminClient.parse(received) else {
            return .failed("\(place.text) gave no whole answer")
        }
        return answer
    }

    /// Nil unless there is a whole answer with a length.
    private static func parse(_ bytes: [UInt8]) -> Outcome? {
        let parser = ResponseParser(
            limits: ParserLimits(headBytesMax: 16_384, targetBytesMax: 0, fieldCountMax: 64))
        var head = ResponseHead()
        var scannedCount = 0
        do throws(ParseError) {
            let progress = try parser.parse(bytes.span, scannedCount: &scannedCount, into: &head)
            guard case .complete(let start) = progress else { return nil }
            let framing = try MessageFraming.ofResponse(head, to: .get, in: bytes.span)
            let count = UInt64(bytes.count - start)
            guard framing == (count == 0 ? .none : .length(count)) else { return nil }
            return .answer(status: head.status, body: Array(bytes[start...]))
        } catch {
            return nil
        }
    }

    func connectionReady(_ connection: Connection) {
        if let error = connection.error { return end(because: "\(error)") }
        if !hasSent {
            hasSent = true
            let bytes = request
            _ = connection.send(bytes.span)
        }
        _ = connection.flush()
        while !isDone {
            switch connection.receivePending(reserving: 65_536) {
            case .bytes(let count) where count > 0: take(from: connection)
            case .wouldBlock: return
            case .endOfStream: end(because: nil)
            case .bytes, .failed: end(because: "the connection broke off")
            }
        }
    }

    private func take(from connection: Connection) {
        guard let pending = connection.pending else { return }
        let count = pending.count
        pending.withBytes { bytes in
            for offset in bytes.indices { received.append(bytes[offset]) }
        }
        connection.consumePending(count)
        if received.count > AdminClient.bytesMax { end(because: "the answer has no end") }
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        end(because: "no answer in time")
    }

    private func end(because failure: String?) {
        self.failure = failure
        isDone = true
    }
}

extension AdminTarget {
    /// The body of a good answer.
    func ask(_ method: String, _ target: String) throws -> [UInt8] {
        try ask(method, target, expecting: [200]).body
    }

    /// - Parameter expecting: the statuses that are an answer.
    /// - Throws: the exit status of the command, after a line that says why.
    func ask(
        _ method: String, _ target: String, expecting statuses: Set<UInt16>
    ) throws -> (status: UInt16, body: [UInt8]) {
        switch AdminClient.ask(method, target, at: self) {
        case .answer(let status, let body):
            if statuses.contains(status) { return (status, body) }
            let reason = String(decoding: body, as: UTF8.self)
            StandardErrorLog.write("error: \(text) answers \(status): \(reason)")
            throw status == 401 || status == 403 ? ExitStatus.notPermitted : ExitCode(1)
        case .failed(let reason):
            StandardErrorLog.write("error: \(reason)\n")
            throw ExitStatus.unavailable
        }
    }
}
