/// What is written of each exchange, and where to (`accessLog` of the routes file).
package struct AccessLogRule: Sendable, Equatable {
    package enum Format: String, Sendable, Equatable, CaseIterable {
        /// One object a line.
        case json
        /// As nginx writes it by that name.
        case combined
    }

    package var format: Format
    /// A file, a named pipe, or a device such as /dev/stdout.
    package var path: String

    package init(format: Format, path: String) {
        self.format = format
        self.path = path
    }
}
