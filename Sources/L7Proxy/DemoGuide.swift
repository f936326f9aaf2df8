/// What the demonstration tells people to try. Every line works when it is pasted.
enum DemoGuide {
    static func text(port: UInt16) -> String {
        let place = "localhost:\(port)"
        let thrice = "for i in 1 2 3; do"
        return """
            Three backends (blue, green, orange) answer behind the proxy. See it live:

                http://\(place)/

            or try it in another terminal:

              With a cookie jar: the first answer sets the cookie, then always the same backend.
                jar=$(mktemp); \(thrice) curl -s -b $jar -c $jar http://\(place)/; done

              Without the cookie: everyone is new, and requests spread over all three.
                \(thrice) curl -s http://\(place)/; done

              By client address, without any cookie; a second address is a client of its own.
                \(thrice) curl -s http://\(place)/ip; done
                \(thrice) curl -s --interface 127.0.0.2 http://127.0.0.1:\(port)/ip; done

              A route without affinity.
                \(thrice) curl -s http://\(place)/none; done

              The cookie itself, what the backend sees of a request, and a POST.
                curl -si http://\(place)/
                curl -s http://\(place)/whoami
                curl -s --data 'any body' http://\(place)/

              A WebSocket (apt install python3-websockets): type something.
                python3 -m websockets ws://\(place)/

            Ctrl-C ends it.

            """
    }
}
