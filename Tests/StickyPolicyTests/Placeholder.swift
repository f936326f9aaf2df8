import Testing
@testable import StickyPolicy
