/// A file that the configuration names cannot be used: a key, a certificate.
struct UnusableConfiguration: Error, CustomStringConvertible {
    let description: String
}
