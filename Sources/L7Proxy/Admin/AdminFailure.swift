/// Why the admin listener cannot be as it should.
struct AdminFailure: Error, CustomStringConvertible {
    let description: String
}
