import Testing
@testable import L7Proxy
