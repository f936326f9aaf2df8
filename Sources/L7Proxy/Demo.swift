import Logging
import ProxyConfig
import StickyPolicy
import Transport

/// The demonstration at work: the backends, and the real proxy in front of them.
final class Demo {
    struct NotStarted: Error, CustomStringConvertible {
        let port: UInt16
        let reason: String
        var description: String {
            "cannot listen on 127.0.0.1:\(port): \(reason); --port takes another one"
        }
    }

    /// Where the proxy listens, on 127.0.0.1.
    let port: UInt16
    private let backends: DemoBackends
    private let server: Server

    /// - Parameter port: 0 for one that the kernel chooses.
    init(port: UInt16) throws(NotStarted) {
        // Before the first thread: all of them inherit it.
        Signals.block(Server.signals)
        Signals.ignoreBrokenPipe()
        guard port == 0 || !Demo.isTaken(port) else {
            throw NotStarted(port: port, reason: "another program listens there")
        }
        do throws(SystemError) {
            backends = try DemoBackends()
        } catch {
            throw NotStarted(port: port, reason: "\(error)")
        }
        do throws(UnusableConfiguration) {
            let configuration = DemoRoutes.load(port: port, backends: backends.addresses)
            // A demonstration has nothing to say but its guide, unless it fails.
            let log = StandardErrorLog.makeLogger(level: .error)
            server = try Server(configuration, source: { configuration }, log: log)
        } catch {
            backends.stop()
            throw NotStarted(port: port, reason: "\(error)")
        }
        do throws(ListenError) {
            self.port = try server.start().values.first?.port ?? port
        } catch {
            server.stop()
            backends.stop()
            throw NotStarted(port: port, reason: error.reason)
        }
    }

    /// Serves until a signal ends it.
    func run() {
        server.run()
        backends.stop()
    }

    /// Ends everything at once.
    func stop() {
        server.stop()
        backends.stop()
    }

    /// Whether somebody answers there. Listeners share their ports (`SO_REUSEPORT`), so a second
    /// demonstration would not be refused: each would get half of the connections.
    private static func isTaken(_ port: UInt16) -> Bool {
        let address = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: port)
        guard let loop = try? EventLoop(),
            let connection = try? Connection.connect(to: address, loop: loop)
        else { return false }
        defer { connection.close() }
        while connection.isConnecting { loop.turn() }
        return connection.error == nil
    }
}
