import ArgumentParser
import Glibc

/// `l7proxy demo`: three built-in backends behind the real proxy.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Three built-in backends behind the proxy, and a page that shows stickiness.")

    @Option(help: "Where to listen, on the loopback address only; 0 lets the kernel choose.")
    var port: UInt16 = 8080

    func run() throws {
        let demo: Demo
        do throws(Demo.NotStarted) {
            demo = try Demo(port: port)
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitStatus.unavailable
        }
        writeAll(DemoGuide.text(port: demo.port), to: STDOUT_FILENO)
        demo.run()
    }
}
