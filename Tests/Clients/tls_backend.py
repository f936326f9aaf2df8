"""A backend in TLS, in a thread of this process: what it does at the end of an answer is asked for by the path.

  /cut        a body without a length that ends without close_notify
  /farewell   the same, ended properly
  otherwise   JSON with the request's length and digest, and how often this connection was used
"""
import hashlib
import json
import socket
import ssl
import threading

from harness import free_port


class TLSBackend:
    def __init__(self, certificates, name, **options):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.path(f"{name}.crt"), certificates.path(f"{name}.key"))
        for key, value in options.items():
            setattr(self.context, key, value)
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Closing alone leaves the kernel listening while `accept` waits.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            with raw, self.context.wrap_socket(raw, server_side=True) as connection:
                self.connections += 1
                self.exchange(connection)
        except (OSError, ValueError):
            pass

    def exchange(self, connection):
        served = 0
        stream = connection.makefile("rb")
        while line := stream.readline():
            fields = {}
            while (field := stream.readline().decode()) not in ("\r\n", ""):
                name, _, value = field.partition(":")
                fields[name.lower()] = value.strip()
            body = stream.read(int(fields.get("content-length", 0)))
            served += 1
            path = line.split()[1]
            if path in (b"/cut", b"/farewell"):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
                if path == b"/farewell":
                    connection.unwrap()
                return
            text = json.dumps({"length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
                               "version": connection.version(), "served": served}).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
