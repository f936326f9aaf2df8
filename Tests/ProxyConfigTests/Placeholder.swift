import Testing
@testable import ProxyConfig
