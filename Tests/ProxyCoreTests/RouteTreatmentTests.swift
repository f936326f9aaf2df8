import StickyPolicy
import Testing

@testable import ProxyCore

@Suite("Treatments of routes")
struct RouteTreatmentTests {
    private static func route(_ timeout: UInt32) -> Route {
        var treatment = RouteTreatment(affinity: AffinitySettings())
        treatment.retry.timeoutSeconds = timeout
        return Route(
            host: .any, path: "/", pathType: .prefix, service: 0, treatment: treatment,
            origin: RouteOrigin(file: "a.yaml", line: Int(timeout)))
    }

    @Test("what routes share says for each what it said before", arguments: [1, 2, 16, 17, 40])
    func sharing(count: UInt32) {
        var known = SharedTreatments()
        for round in 0..<3 as Range<UInt32> {
            for number in 0..<count {
                var route = RouteTreatmentTests.route(number)
                route.share(among: &known)
                #expect(route.retry.timeoutSeconds == number, "round \(round)")
            }
        }
    }

    @Test("a route that changes its treatment leaves the others theirs")
    func changing() {
        var known = SharedTreatments()
        var (one, other) = (RouteTreatmentTests.route(1), RouteTreatmentTests.route(1))
        one.share(among: &known)
        other.share(among: &known)
        one.treatment.closesTunnelsOnDrain = true
        #expect(one.closesTunnelsOnDrain && !other.closesTunnelsOnDrain && one != other)
        #expect(one.origin.text == "a.yaml:1")
    }
}
