// swift-tools-version: 6.2
import PackageDescription

/// One list for every target of ours: there is no lenient corner.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // docs/decisions/0005: debug builds, and so all tests, keep the checks.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "l7proxy",
    products: [.executable(name: "l7proxy", targets: ["L7Proxy"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // C: what Swift's Glibc module lacks, and the system's libraries.
        .target(name: "CLinux"),
        .systemLibrary(
            name: "CSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev", "pkg-config"])]),
        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // The pure floor: no I/O, no clock, no thread, no Glibc.
        .target(name: "HTTPParser", swiftSettings: strict),
        .target(name: "StickyPolicy", dependencies: ["HTTPParser"], swiftSettings: strict),
        .target(
            name: "ProxyCore", dependencies: ["HTTPParser", "StickyPolicy"], swiftSettings: strict),
        .target(
            name: "ProxyConfig", dependencies: ["ProxyCore", "StickyPolicy", "CYAML"],
            swiftSettings: strict),

        // The system floor: sockets and time, no HTTP.
        .target(name: "Transport", dependencies: ["CLinux", "CSSL"], swiftSettings: strict),

        // The roof: the executable, and the only target that sees both floors.
        .executableTarget(
            name: "L7Proxy",
            dependencies: [
                "HTTPParser", "StickyPolicy", "ProxyCore", "ProxyConfig", "Transport", "CLinux",
                "CPCRE2", "CSSL", logging, argumentParser,
            ],
            swiftSettings: strict),

        .testTarget(name: "HTTPParserTests", dependencies: ["HTTPParser"], swiftSettings: strict),
        .testTarget(
            name: "StickyPolicyTests", dependencies: ["StickyPolicy", "HTTPParser"],
            swiftSettings: strict),
        .testTarget(
            name: "ProxyCoreTests", dependencies: ["ProxyCore", "HTTPParser", "StickyPolicy"],
            swiftSettings: strict),
        .testTarget(
            name: "ProxyConfigTests", dependencies: ["ProxyConfig", "ProxyCore", "StickyPolicy"],
            swiftSettings: strict),
        .testTarget(
            name: "TransportTests", dependencies: ["Transport", "CLinux"], swiftSettings: strict),
        .testTarget(
            name: "L7ProxyTests",
            dependencies: [
                "L7Proxy", "HTTPParser", "StickyPolicy", "ProxyCore", "ProxyConfig", "Transport",
            ],
            swiftSettings: strict),
        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    ]
)
