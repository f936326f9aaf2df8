/// What the answer to a refused request says besides its status, where it says more.
final class RefusalDetail {
    /// Where the request is to be sent again; empty for nowhere.
    let location: [UInt8]
    let explanation: StaticString

    init(location: [UInt8] = [], explanation: StaticString = "") {
        self.location = location
        self.explanation = explanation
    }
}
