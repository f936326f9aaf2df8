"""TLS to backends: openssl s_server, Python's ssl, WebSockets, broken ends, changed authorities."""
import asyncio
import hashlib
import json
import os
import socket
import ssl

import websockets

from harness import Process, expect, expect_equal, free_port, poll, promise
from http_client import get
from tls_backend import TLSBackend
from tls_stage import make_stage


def tls_to(port, settings):
    """Routes that lead to this backend in TLS."""
    return f"""
services: {{s: {{backends: ["127.0.0.1:{port}"], tls: {settings}}}}}
routes: [{{service: s}}]
"""


@promise("TLS to backends: openssl s_server is spoken to in TLS 1.2 and in TLS 1.3")
def s_server(stage):
    tls = make_stage(stage)
    c = tls.certificates.folder
    for version, said in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        port = free_port()
        server = Process(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", version, "-cert",
                          c / "backend.crt", "-key", c / "backend.key"], stage.folder / f"s_server{version}.log")
        server.ready("127.0.0.1", port)
        proxy = tls.proxy(f"s_server{said}", tls_to(port, f"{{ca: {c}/ca.crt, serverName: backend.internal}}"))
        answer = get(proxy.port, "any.test")
        expect_equal(answer.status, 200)
        expect(said.encode() in answer.body, answer.body[-400:])
        server.end()


@promise("TLS to backends: one that speaks TLS 1.1 alone is a 502, and the log says why")
def old_backend(stage):
    tls = make_stage(stage)
    options = {"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1_1}
    with TLSBackend(tls.certificates, "backend", **options) as backend:
        backend.context.set_ciphers("ALL:@SECLEVEL=0")
        proxy = tls.proxy("old-backend", tls_to(backend.port, "{verify: false}"))
        expect_equal(get(proxy.port, "any.test").status, 502)
        line = f"TLS with backend 127.0.0.1:{backend.port} failed: "
        poll(5, "the log says so", lambda: line in proxy.process.text())
        expect("version" in proxy.process.text(), proxy.process.text())


@promise("TLS to backends: large bodies are whole both ways, over connections that are kept")
def large_bodies(stage):
    tls = make_stage(stage)
    c = tls.certificates.folder
    body = os.urandom(8_000_000)
    with TLSBackend(tls.certificates, "backend") as backend:
        proxy = tls.proxy("large-backend",
                          tls_to(backend.port, f"{{ca: {c}/ca.crt, serverName: backend.internal}}"))
        for number in (1, 2, 3):
            with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
                client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                               % len(body))
                client.sendall(body)
                text = b"".join(iter(lambda: client.recv(65536), b""))
            seen = json.loads(text.partition(b"\r\n\r\n")[2])
            expect_equal((seen["length"], seen["sha256"]), (len(body), hashlib.sha256(body).hexdigest()))
            expect_equal(seen["served"], number)


@promise("TLS to backends: an answer without a length that ends without close_notify is passed on as cut off")
def truncation(stage):
    tls = make_stage(stage)
    with TLSBackend(tls.certificates, "backend") as backend:
        proxy = tls.proxy("truncated", tls_to(backend.port, "{verify: false}"))

        def end_of(path):
            with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
                client.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
                return b"".join(iter(lambda: client.recv(65536), b""))

        whole, cut = end_of(b"/farewell"), end_of(b"/cut")
        # In chunks: the end is a chunk of its own, and missing where the backend's was.
        expect(whole.endswith(b"half of it\r\n0\r\n\r\n"), whole)
        expect(b"half of it" in cut and not cut.endswith(b"0\r\n\r\n"), cut)


@promise("TLS to backends: a WebSocket is carried from wss to wss")
def websocket(stage):
    tls = make_stage(stage)
    c = tls.certificates
    port = free_port()
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(c.path("backend.crt"), c.path("backend.key"))
    proxy = tls.proxy("wss", tls_to(port, f"{{ca: {c.folder}/ca.crt, serverName: backend.internal}}"))

    async def echo(tunnel, _path=None):
        async for message in tunnel:
            await tunnel.send(message)

    async def talk():
        async with websockets.serve(echo, "127.0.0.1", port, ssl=inner, max_size=64 << 20), \
                websockets.connect(f"wss://shop.test:{proxy.tls_port}/", host="127.0.0.1", port=proxy.tls_port,
                                   ssl=tls.context(), server_hostname="shop.test", max_size=64 << 20) as tunnel:
            for size in (1, 5_000, 2_000_000):
                message = os.urandom(size)
                await tunnel.send(message)
                expect(await asyncio.wait_for(tunnel.recv(), 20) == message, "another message came back")

    asyncio.run(asyncio.wait_for(talk(), 50))


@promise("TLS to backends: a connection that was verified under an authority is not used under another")
def authorities(stage):
    tls = make_stage(stage)
    c = tls.certificates
    trusted = c.path("trusted.pem")
    trusted.write_bytes(c.path("ca.crt").read_bytes())
    with TLSBackend(c, "backend") as backend:
        proxy = tls.proxy("authorities",
                          tls_to(backend.port, f"{{ca: {trusted}, serverName: backend.internal}}"))
        expect_equal(get(proxy.port, "any.test").status, 200)
        expect_equal(json.loads(get(proxy.port, "any.test").body)["served"], 2)
        # What changes nothing for this backend leaves its connections as they are.
        proxy.change("# a word\n")
        expect_equal(json.loads(get(proxy.port, "any.test").body)["served"], 3)
        trusted.write_bytes(c.path("eve.crt").read_bytes())
        poll(10, "the change is noticed", lambda: f"{trusted} has changed" in proxy.process.text())
        poll(10, "the backend is not trusted", lambda: get(proxy.port, "any.test").status == 502)
        expect(": certificate: " in proxy.process.text(), proxy.process.text())
