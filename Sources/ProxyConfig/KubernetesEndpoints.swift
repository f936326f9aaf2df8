import ProxyCore
import StickyPolicy

/// Reads the EndpointSlices of one service.
struct KubernetesEndpoints {
    let findings: Findings

    /// The endpoints behind a service port of this name (empty for the port without one), each
    /// once: while endpoints move between slices, the API shows them in two.
    func backends(_ slices: [KubernetesObject], portName: String) -> [Backend] {
        var result: [Backend] = []
        var positions: [Endpoint: Int] = [:]
        for slice in slices {
            for backend in backends(slice, portName: portName) {
                if let known = positions[backend.endpoint] {
                    if backend.state == .ready { result[known].state = .ready }
                } else {
                    positions[backend.endpoint] = result.count
                    result.append(backend)
                }
            }
        }
        return admitting(result)
    }

    /// Where all that serve are ending, they take new clients too, as with kube-proxy: a rollout
    /// that is late with its new pods would be an outage otherwise.
    private func admitting(_ backends: [Backend]) -> [Backend] {
        guard !backends.contains(where: { $0.state == .ready }) else { return backends }
        var backends = backends
        for index in backends.indices { backends[index].state = .ready }
        return backends
    }

    private func backends(_ slice: KubernetesObject, portName: String) -> [Backend] {
        let reader = slice.reader(findings)
        guard let port = port(of: slice, portName, reader) else { return [] }
        var result: [Backend] = []
        for endpoint in slice.node["endpoints"]?.items ?? [] {
            guard let state = state(of: endpoint), let list = endpoint.entry("addresses") else {
                continue
            }
            for address in reader.list(list).compactMap(reader.address) {
                var backend = Backend(Endpoint(address: address, port: port))
                backend.state = state
                result.append(backend)
            }
        }
        return result
    }

    private func port(
        of slice: KubernetesObject, _ name: String, _ reader: Reader
    ) -> UInt16? {
        let ports = slice.node["ports"]?.items ?? []
        let match = ports.first { ($0["name"]?.text ?? "") == name }
        guard let entry = match?.entry("port") else { return nil }
        return reader.integer(entry, in: 1...65_535).map { UInt16($0) }
    }

    /// Nil for an endpoint that takes nobody. `ready` absent counts as true, as the API says; an
    /// endpoint that ends but still serves keeps the clients it has.
    private func state(of endpoint: YAMLNode) -> BackendState? {
        let conditions = endpoint["conditions"]
        if conditions?["ready"]?.text ?? "true" == "true" { return .ready }
        let isServing = conditions?["serving"]?.text == "true"
        let isTerminating = conditions?["terminating"]?.text == "true"
        return isServing && isTerminating ? .drain : nil
    }
}
