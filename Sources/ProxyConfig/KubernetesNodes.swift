import StickyPolicy

/// Reads the addresses under which the NodePorts of a cluster are reached.
struct KubernetesNodes {
    let findings: Findings

    /// The internal address of each node that is ready.
    func addresses(of nodes: [KubernetesObject]) -> [IPAddress] {
        nodes.compactMap(address)
    }

    private func address(of node: KubernetesObject) -> IPAddress? {
        let reader = node.reader(findings)
        guard isReady(node) else {
            reader.note("is not ready and left out", at: node.node.position)
            return nil
        }
        // A node of two address families has two; the first is its primary one.
        let internalIP = node.node["status"]?["addresses"]?.items.first {
            $0["type"]?.text == "InternalIP"
        }
        guard let entry = internalIP?.entry("address") else {
            reader.warn("has no InternalIP", at: node.node.position)
            return nil
        }
        return reader.address(entry)
    }

    /// A node that says nothing about it counts as ready: hand-written files have no status.
    private func isReady(_ node: KubernetesObject) -> Bool {
        let ready = node.node["status"]?["conditions"]?.items.first {
            $0["type"]?.text == "Ready"
        }
        guard let status = ready?["status"]?.text else { return true }
        return status == "True"
    }
}
