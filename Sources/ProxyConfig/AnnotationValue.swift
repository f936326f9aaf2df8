import ProxyCore
import StickyPolicy

/// The value of one annotation, read as leniently as ingress-nginx reads it.
///
/// The functions with a closure call it with a good value, and report a bad one.
struct AnnotationValue {
    let annotation: Annotation
    let reader: Reader

    private var text: String { annotation.text }

    func fault(mustBe expected: String) {
        let entry = YAMLEntry(
            key: annotation.name, keyPosition: annotation.entry.keyPosition,
            value: annotation.entry.value)
        reader.fault(entry, mustBe: expected)
    }

    /// Whether it is this word, of those that only ingress-nginx knows.
    func isUpstreamWord(_ word: String) -> Bool { trim(text) == word }

    func warn(_ message: String) {
        reader.warn(
            "\(quoted(annotation.name)): \(quoted(text)) \(message)",
            at: annotation.entry.value.position)
    }

    /// Spaces around the word are trimmed; case counts.
    func word<Value>(_ words: Words<Value>) -> Value? {
        let trimmed = YAMLNode(
            position: annotation.entry.value.position,
            content: .scalar(trim(text), isQuoted: true))
        return reader.word(
            YAMLEntry(
                key: annotation.name, keyPosition: annotation.entry.keyPosition, value: trimmed),
            words)
    }

    func boolean(_ use: (Bool) -> Void) {
        guard let value = GoBool.parse(text) else { return fault(mustBe: "true or false") }
        use(value)
    }

    /// Any case is taken, and written as the attribute is spelt.
    func sameSite(_ use: (CookieSettings.SameSite) -> Void) {
        let match = CookieSettings.SameSite.allCases.first {
            $0.rawValue.lowercased() == text.lowercased()
        }
        guard let match else { return fault(mustBe: "one of None, Lax, Strict") }
        use(match)
    }

    /// A cookie name or domain: spaces do not count in the check and stay in the value, except
    /// around it, where no browser would send them back.
    func cookieText(_ use: (String) -> Void) {
        let value = trim(text)
        guard !value.isEmpty, value.utf8.allSatisfy({ isBasic($0) || $0 == 0x20 }) else {
            return fault(mustBe: "made of letters, digits and - . _ ~ / :")
        }
        use(value)
    }

    func cookiePath(_ use: (String) -> Void) {
        let value = trim(text)
        guard !value.isEmpty, value.utf8.allSatisfy({ isBasic($0) || isPathExtra($0) }) else {
            return fault(mustBe: "made of letters, digits and - . _ ~ / : , ? & =")
        }
        use(value)
    }

    private func isBasic(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        // - . / : _ ~
        case 0x2D, 0x2E, 0x2F, 0x3A, 0x5F, 0x7E: true
        default: false
        }
    }

    private func isPathExtra(_ byte: UInt8) -> Bool {
        // Space , ? & =
        byte == 0x20 || byte == 0x2C || byte == 0x3F || byte == 0x26 || byte == 0x3D
    }

    /// A number of seconds. ingress-nginx first asks the pattern `(^0|-?[1-9]\d*$)`, anchored on
    /// one side each, and then uses what is a number: both questions are asked here.
    func seconds(ignoringSpaces: Bool, _ use: (Int64) -> Void) {
        let value = ignoringSpaces ? text.filter { $0 != " " } : text
        let lastDigits = value.utf8.reversed().prefix { $0 >= 0x30 && $0 <= 0x39 }
        let isMatch = value.hasPrefix("0") || lastDigits.contains { $0 != 0x30 }
        guard isMatch, let number = wholeSeconds(trim(value)) else {
            return fault(mustBe: "a whole number of seconds")
        }
        use(number)
    }

    /// `-5`, `+5`, `1.5`; the fraction is dropped.
    private func wholeSeconds(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        }
        // 12 digits: 30,000 years, so that no sum with the time of day overflows.
        guard let number = Int64(parts[0]), number.magnitude < 1_000_000_000_000
        else { return nil }
        return number
    }

    /// As `timeoutSeconds` of a Service.
    func timeout(_ use: (UInt32) -> Void) {
        guard let seconds = UInt32(trim(text)), (1...86_400).contains(seconds) else {
            return fault(mustBe: "a whole number from 1 to 86400")
        }
        use(seconds)
    }

    /// A whole number within `range`.
    func integer(in range: ClosedRange<Int>, _ use: (Int) -> Void) {
        guard let number = Int(trim(text)), range.contains(number) else {
            return fault(
                mustBe: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        use(number)
    }

    /// The name of a request field (RFC 9110 §5.6.2).
    func fieldName(_ use: (String) -> Void) {
        let name = trim(text)
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        let isToken = name.utf8.allSatisfy { byte in
            let isLetter = (0x61...0x7A).contains(byte | 0x20) && byte >= 0x41
            return isLetter || (0x30...0x39).contains(byte) || marks.contains(byte)
        }
        guard !name.isEmpty, isToken else { return fault(mustBe: "the name of a request field") }
        use(name)
    }

    /// Any text that a request field or cookie may hold.
    func visibleText(_ use: (String) -> Void) {
        let value = trim(text)
        guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return fault(mustBe: "text without control characters")
        }
        use(value)
    }

    /// A regular expression; whoever loads the file knows whether it can be compiled.
    func pattern(_ use: (String) -> Void) {
        visibleText { text in
            guard let fault = reader.findings.patternFault?(text) else { return use(text) }
            self.fault(mustBe: "a regular expression (\(fault))")
        }
    }

    /// What `upstream-hash-by` takes.
    func hashExpression(_ use: (HashExpression) -> Void) {
        do throws(HashExpression.Fault) {
            use(try HashExpression(trim(text)))
        } catch {
            switch error {
            case .character:
                fault(mustBe: "made of letters, digits, - _ and variables such as $request_uri")
            case .form: fault(mustBe: "text and whole variables such as $host or ${host}")
            case .unknownVariable(let name):
                fault(
                    mustBe: "made of variables that exist ($remote_addr, $binary_remote_addr, "
                        + "$request_uri, $uri, $is_args, $args, $host, $request, "
                        + "$request_method, $scheme, $server_name, $server_port, "
                        + "$server_protocol, $http_NAME, $cookie_NAME, $arg_NAME, $1 to $9, "
                        + "and no $\(name))")
                // In an Ingress that is a warning, and the rest of it counts.
                if let rest = try? HashExpression(trim(text), skipsUnknown: true) { use(rest) }
            }
        }
    }

    /// Host names between commas. A part that is none is reported, and the others are taken.
    func hosts(_ use: ([HostPattern]) -> Void) {
        var hosts: [HostPattern] = []
        for part in text.split(separator: ",") {
            let name = trim(part)
            if name.isEmpty { continue }
            if let host = RouteText.host(name) {
                hosts.append(host)
            } else {
                fault(mustBe: "host names between commas")
            }
        }
        use(hosts)
    }

    /// Names between commas, each a token with a version behind a slash or without
    /// (RFC 9110 §7.8). h2c is never passed on, whatever a route says.
    func upgradeProtocols(_ use: ([String]) -> Void) {
        let names = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { trim($0).lowercased() }
        let areGood = names.allSatisfy { name in
            name != "h2c" && !name.isEmpty && name.utf8.allSatisfy { isToken($0) || $0 == 0x2F }
        }
        guard areGood else { return fault(mustBe: "names of protocols between commas, not h2c") }
        use(names)
    }

    private func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private func trim(_ text: some StringProtocol) -> String {
        let front = text.drop { $0 == " " }
        let count = front.reversed().prefix { $0 == " " }.count
        return String(front.dropLast(count))
    }
}
