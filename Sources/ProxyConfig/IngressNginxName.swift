/// What ingress-nginx calls a service in its cookies: `<namespace>-<service>-<port>`.
enum IngressNginxName {
    /// In the short form there is no namespace, and the port is that of the first backend.
    static func make(service: String, _ backends: BackendList) -> String? {
        backends.port.map { "default-\(service)-\($0)" }
    }
}
