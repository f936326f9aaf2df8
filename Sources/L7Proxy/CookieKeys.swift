import Glibc
import ProxyConfig
import StickyPolicy

/// Brings the secrets that `cookieKeys` names into memory.
enum CookieKeys {
    /// RFC 2104 §3: less than the digest's length weakens the seal.
    private static let byteCountMin = 32

    /// Without keys a built-in one: the cookies are sticky all the same, but anybody can make them.
    private static let builtIn = Array("l7proxy without cookieKeys: forgeable".utf8)

    static func authenticator(
        for sources: [CookieKeySource]
    ) throws(UnusableConfiguration) -> HMACAuthenticator {
        var secrets: [[UInt8]] = []
        for source in sources { secrets.append(try secret(from: source)) }
        return HMACAuthenticator(secrets: secrets.isEmpty ? [builtIn] : secrets)
    }

    private static func secret(from source: CookieKeySource) throws(UnusableConfiguration)
        -> [UInt8]
    {
        var bytes: [UInt8]
        let name: String
        switch source {
        case .file(let path):
            name = "cookie key \(path)"
            do {
                bytes = try ConfigurationFiles.bytes(ofFile: path)
            } catch {
                throw UnusableConfiguration(description: "\(error)")
            }
        case .environment(let variable):
            name = "cookie key env:\(variable)"
            // SAFETY: the environment is not written to after the start.
            guard let value = unsafe getenv(variable) else {
                throw UnusableConfiguration(description: "\(name): the variable is not set")
            }
            bytes = Array(unsafe String(cString: value).utf8)
        }
        // An editor or `echo` ends the file with a newline that nobody means.
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard bytes.count >= byteCountMin else {
            throw UnusableConfiguration(
                description: "\(name) has \(bytes.count) bytes; at least \(byteCountMin) are needed"
            )
        }
        return bytes
    }
}
