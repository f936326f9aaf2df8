/// Reads `admin`: an address, a mapping of address and `tokenFile`, or `off`.
struct ShortFormAdmin {
    let reader: Reader
    let file: SourceFile

    /// Nil after a fault.
    func rule(_ entry: YAMLEntry) -> AdminRule? {
        if entry.value.text == "off" { return .off }
        let rule = entry.value.isMapping ? mapping(entry) : address(entry, tokenFile: nil)
        if let fault = rule?.fault {
            reader.fault(fault, at: entry.value.position)
            return nil
        }
        return rule
    }

    private func mapping(_ entry: YAMLEntry) -> AdminRule? {
        guard let keys = reader.fields(entry, ShortFormSchema.admin) else { return nil }
        let tokenFile = keys["tokenFile"].flatMap(reader.text).map(file.resolve)
        guard let written = keys["address"] else {
            return .at(AdminRule.usualAddress, tokenFile: tokenFile)
        }
        return address(written, tokenFile: tokenFile)
    }

    private func address(_ entry: YAMLEntry, tokenFile: String?) -> AdminRule? {
        guard let address = entry.value.text.flatMap(ListenerAddress.init(text:)) else {
            reader.fault(entry, mustBe: "an address such as 127.0.0.1:9901, unix:/path, or off")
            return nil
        }
        return .at(address, tokenFile: tokenFile)
    }
}
