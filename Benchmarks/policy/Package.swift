// swift-tools-version: 6.2
import PackageDescription

/// The cost of one decision, measured without a socket. A package of its own: the proxy's build does
/// not wait for it.
let package = Package(
    name: "policy-benchmark",
    targets: [
        .target(name: "HTTPParser", path: "Parser"),
        .target(name: "StickyPolicy", dependencies: ["HTTPParser"], path: "Policy"),
        .target(name: "CountedMemory", path: "Memory"),
        .executableTarget(
            name: "PolicyBenchmark", dependencies: ["StickyPolicy", "HTTPParser", "CountedMemory"],
            path: "Main"),
    ])
