// swift-tools-version: 6.2
import PackageDescription

/// As the proxy's own: the same files compile in both.
let imports: [SwiftSetting] = [.enableUpcomingFeature("InternalImportsByDefault")]

/// The cost of one decision, measured without a socket, and what millions of bad cookies do. A
/// package of its own: the proxy's build does not wait for it.
let package = Package(
    name: "policy-benchmark",
    targets: [
        .target(name: "HTTPParser", path: "Parser", swiftSettings: imports),
        .target(
            name: "StickyPolicy", dependencies: ["HTTPParser"], path: "Policy",
            swiftSettings: imports),
        .target(name: "CountedMemory", path: "Memory"),
        .executableTarget(
            name: "PolicyBenchmark", dependencies: ["StickyPolicy", "HTTPParser", "CountedMemory"],
            path: "Main"),
        .systemLibrary(name: "CSSL", path: "CSSL", pkgConfig: "openssl"),
        .executableTarget(
            name: "RandomCookies", dependencies: ["StickyPolicy", "HTTPParser", "CSSL"],
            path: "Cookies"),
    ])
