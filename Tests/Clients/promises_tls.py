"""TLS on both sides: curl, openssl s_client, Python's ssl, and nginx as a backend in TLS."""
import asyncio
import json
import os
import re
import signal
import socket
import ssl
import threading
import time

import websockets

from harness import command, expect, expect_equal, free_port, poll, promise
from http_client import get
from tls_stage import make_stage

NEW = re.compile(r"^(New|Reused), (\S+), Cipher is (\S+)", re.M)


def negotiated(output):
    match = NEW.search(output)
    return match.groups() if match else ("", "", output[-300:])


@promise("TLS: curl is served, and the backend hears of https")
def served(stage):
    tls = make_stage(stage)
    done = tls.curl("shop.test", "/", "-i")
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    expect(head.startswith("HTTP/1.1 200"), head, done.stderr)
    fields = dict(json.loads(body)["fields"])
    expect_equal(fields["X-Forwarded-Proto"], "https")
    expect_equal(fields["X-Forwarded-Port"], str(tls.port))
    expect("Strict-Transport-Security: max-age=31536000; includeSubDomains" in head, head)


@promise("TLS: versions, ciphers and groups are Mozilla's intermediate list, as testssl.sh would ask")
def versions(stage):
    tls = make_stage(stage)
    # A client that would speak anything, so that it is the proxy that refuses.
    lax = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    for version, spoken in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        status, output = tls.s_client("-servername", "shop.test", version, *lax)
        expect_equal(status == 0 and "Cipher is (NONE)" not in output, spoken, version)
    listing = command("openssl", "ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").stdout.decode().strip()
    taken = set()
    for cipher in listing.split(":"):
        if cipher.startswith("TLS_"):
            continue
        _, output = tls.s_client("-servername", "shop.test", "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
        if negotiated(output)[2] == cipher:
            taken.add(cipher)
    kinds = [f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA")
             for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")]
    expect_equal(taken, set(kinds))
    _, output = tls.s_client("-servername", "shop.test", "-tls1_3")
    expect_equal(negotiated(output)[2], "TLS_AES_128_GCM_SHA256", "the first suite of Mozilla's list")
    for group, spoken in (("X25519", True), ("P-256", True), ("P-384", True), ("P-521", False), ("X448", False)):
        status, output = tls.s_client("-servername", "shop.test", "-groups", group)
        expect_equal(status == 0 and "Cipher is (NONE)" not in output, spoken, group)


@promise("TLS: no renegotiation, no compression, tickets of a day, and the minimum version is kept")
def hardening(stage):
    tls = make_stage(stage)
    _, output = tls.s_client("-servername", "shop.test", "-tls1_2", send=b"R\n")
    expect("no renegotiation" in output.lower(), output[-500:])
    _, output = tls.s_client("-servername", "shop.test", "-tls1_2", "-comp")
    expect("Compression: NONE" in output, output[-500:])
    expect("lifetime hint: 86400" in output, output[-500:])
    status, _ = tls.s_client("-servername", "shop.test", "-tls1_2", port=tls.strict_port)
    expect(status != 0, "TLS 1.2 was spoken where 1.3 is the minimum")


@promise("TLS: the certificate follows the name, ECDSA first and RSA for those who know nothing else")
def names(stage):
    tls = make_stage(stage)

    def subject(*options):
        _, output = tls.s_client(*options)
        return re.search(r"^subject=(.*)$", output, re.M)[1].replace(" ", ""), output

    expect_equal(subject("-servername", "other.test")[0], "CN=other.test")
    expect_equal(subject("-servername", "OTHER.test")[0], "CN=other.test")
    for name in ("shop.test", "x.wild.test", "unknown.test"):
        expect_equal(subject("-servername", name)[0], "CN=shop.test", name)
    expect_equal(subject("-noservername")[0], "CN=shop.test", "without a name")
    expect("Peer signature type: ECDSA" in subject("-servername", "shop.test")[1])
    for options in (("-sigalgs", "RSA-PSS+SHA256"), ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")):
        expect("Peer signature type: RSA" in subject("-servername", "shop.test", *options)[1], options)


@promise("TLS: sessions are resumed in both versions, and ALPN takes http/1.1 alone")
def resumption(stage):
    tls = make_stage(stage)
    saved = stage.folder / "session.pem"
    for version in ("-tls1_2", "-tls1_3"):
        request = b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
        _, output = tls.s_client("-servername", "shop.test", version, "-sess_out", saved, "-ign_eof", send=request)
        expect_equal(negotiated(output)[0], "New", version)
        _, output = tls.s_client("-servername", "shop.test", version, "-sess_in", saved, "-ign_eof", send=request)
        expect_equal(negotiated(output)[0], "Reused", version)
    # The last one was of TLS 1.3, whose tickets browsers use only once (RFC 8446 appendix C.4).
    expect("New Session Ticket arrived" in output, "a resumed session brings no ticket", output[-400:])
    _, output = tls.s_client("-servername", "shop.test", "-alpn", "h2,http/1.1")
    expect("ALPN protocol: http/1.1" in output, output[-400:])
    status, output = tls.s_client("-servername", "shop.test", "-alpn", "h2")
    expect(status != 0 and "no application protocol" in output, output[-400:])


@promise("TLS: a client in the clear on a TLS port is told so; garbage and leavers disturb nobody")
def strangers(stage):
    tls = make_stage(stage)
    done = command("curl", "-s", "-i", "-m", "10", f"http://127.0.0.1:{tls.port}/")
    expect(b"400 Bad Request: this port speaks TLS" in done.stdout, done.stdout)
    for bytes_sent in (b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\x00" * 500, os.urandom(2000), b""):
        with socket.create_connection(("127.0.0.1", tls.port), 5) as stranger:
            stranger.sendall(bytes_sent)
    with socket.create_connection(("127.0.0.1", tls.port), 5) as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        half.settimeout(5)
        begun = time.monotonic()
        expect_equal(half.recv(10), b"", "after the handshake timeout of 1 s")
        expect(0.8 < time.monotonic() - begun < 3, time.monotonic() - begun)
    expect_equal(tls.curl("shop.test", "/", "-o", "/dev/null", "-w", "%{http_code}").stdout, b"200")


@promise("TLS: hundreds of half handshakes keep nobody out")
def half_handshakes(stage):
    tls = make_stage(stage)
    held = []
    try:
        for _ in range(600):
            stranger = socket.create_connection(("127.0.0.1", tls.port), 5)
            stranger.sendall(b"\x16\x03\x01\x02\x00")
            held.append(stranger)
        expect_equal(tls.curl("shop.test", "/", "-o", "/dev/null", "-w", "%{http_code}").stdout, b"200")
    finally:
        for stranger in held:
            stranger.close()


@promise("TLS: clients that connect and say nothing, or half of it, give their places up for those who wait")
def silent(stage):
    tls = make_stage(stage)
    port, pair = free_port(), tls.certificates.path("shop")
    file = stage.folder / "tls-silent.yaml"
    file.write_text(f"""
listeners:
  - {{address: "127.0.0.1:{port}", tls: {{certificates: [{{certificate: {pair}.crt, key: {pair}.key}}]}}}}
workers: 2
admin: off
limits: {{connections: 5}}
timeouts: {{tlsHandshake: 60s}}
{tls.bodies()}""")
    process = tls.start(file)
    for said in (b"", b"\x16\x03\x01\x02\x00"):
        held = []
        try:
            for _ in range(5):
                held.append(socket.create_connection(("127.0.0.1", port), 5))
                held[-1].sendall(said)
            done = tls.curl("shop.test", "/", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", port=port)
            expect_equal(done.stdout, b"200", said)
        finally:
            for stranger in held:
                stranger.close()
    process.end()


@promise("TLS: a certificate is asked for where clientCA is, and the backend learns whose it was")
def client_certificates(stage):
    tls = make_stage(stage)
    c = tls.certificates

    def ask(*options, host="shop.test"):
        return tls.curl(host, "/", *options, port=tls.strict_port)

    forged = ("-H", "ssl-client-verify: SUCCESS", "-H", "SSL_CLIENT_VERIFY: SUCCESS",
              "-H", "ssl-client-subject-dn: CN=root")
    alice = ("--cert", c.path("alice.crt"), "--key", c.path("alice.key"))
    expect(ask().returncode != 0, "a client without a certificate was let in")
    expect(ask("--cert", c.path("eve.crt"), "--key", c.path("eve.key")).returncode != 0, "eve was let in")
    fields = json.loads(ask(*alice, *forged).stdout)["fields"]
    said = [(name.lower(), value) for name, value in fields if name.lower().startswith("ssl")]
    expect_equal([name for name, _ in said],
                 ["ssl-client-verify", "ssl-client-subject-dn", "ssl-client-issuer-dn", "ssl-client-cert"])
    expect_equal([value for _, value in said[:3]], ["SUCCESS", "CN=alice,O=Tests", "CN=Test CA,O=Tests"])
    expect(said[3][1].startswith("-----BEGIN%20CERTIFICATE-----%0A"), said[3][1][:60])
    # Where nobody is asked, nobody is believed either.
    fields = json.loads(tls.curl("shop.test", "/", *forged).stdout)["fields"]
    expect(not [f for f in fields if f[0].lower().startswith("ssl")], fields)
    expect_equal(ask(*alice, "-H", "Host: other.test", "-o", "/dev/null", "-w", "%{http_code}").stdout, b"421")


@promise("TLS: redirects go where a host has a certificate, or are forced, and nowhere else")
def redirects(stage):
    tls = make_stage(stage)
    answer = get(tls.plain_port, f"shop.test:{tls.plain_port}", "/a?b=c")
    expect_equal((answer.status, answer.values("Location")), (308, [f"https://shop.test:{tls.port}/a?b=c"]))
    answer = get(tls.plain_port, "shop.test", "/a?b=c")
    expect_equal((answer.status, answer.values("Location")), (308, ["https://shop.test/a?b=c"]))
    expect_equal(get(tls.plain_port, "forced.test").status, 308)
    expect_equal(get(tls.plain_port, "plain.test").status, 200)
    expect_equal(get(tls.plain_port, "relaxed.wild.test").status, 200)


@promise("TLS to backends: verified by authority and name, with SNI, a certificate, reuse and resumption")
def backends(stage):
    tls = make_stage(stage)
    seen = []
    # nginx closes each connection after three requests: kept ones are used, new ones resume. Each
    # worker has its own, and there may be many workers.
    for _ in range(200):
        seen.append(tls.curl("a.wild.test").stdout.decode())
        expect(seen[-1].startswith("backend.internal SUCCESS"), seen)
        if any(s.endswith(" 3") for s in seen) and any(" r " in s for s in seen):
            break
    expect(any(s.endswith(" 3") for s in seen), seen)
    expect(any(" r " in s for s in seen), seen)
    answer = tls.curl("b.wild.test", "/", "-o", "/dev/null", "-w", "%{http_code}")
    expect_equal(answer.stdout, b"502", "a backend whose certificate names another")


@promise("TLS: large bodies are whole, both ways and on both sides")
def large_bodies(stage):
    tls = make_stage(stage)
    large = stage.folder / "files" / "large"
    received = stage.folder / "received"
    expect_equal(tls.curl("a.wild.test", "/large", "-o", received).returncode, 0)
    expect_equal(command("cmp", large, received).returncode, 0)
    received.unlink()
    done = tls.curl("shop.test", "/", "--data-binary", f"@{large}")
    digest = command("sha256sum", large).stdout.split()[0].decode()
    expect(digest in done.stdout.decode(), done.stdout[-300:], done.stderr)
    done = tls.curl("shop.test", "/chunks?n=5000000")
    expect_equal(len(done.stdout), 5_000_000)


@promise("TLS: a WebSocket works as in the clear")
def websocket(stage):
    tls = make_stage(stage)

    async def talk():
        async with websockets.connect(f"wss://shop.test:{tls.port}/ws", host="127.0.0.1", port=tls.port,
                                      ssl=tls.context(), server_hostname="shop.test", max_size=64 << 20) as tunnel:
            for size in (1, 4096, 3_000_000):
                await tunnel.send("x" * size)
                expect(await asyncio.wait_for(tunnel.recv(), 20), "no answer")

    asyncio.run(asyncio.wait_for(talk(), 50))


@promise("TLS: a certificate is replaced under load, and no handshake is lost")
def swap(stage):
    tls = make_stage(stage)
    c = tls.certificates
    failures, served, stop = [], [], threading.Event()

    def load():
        context = tls.context()
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", tls.port), 10) as raw, \
                        context.wrap_socket(raw, server_hostname="shop.test") as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
                    expect(connection.recv(100).startswith(b"HTTP/1.1 200"), "no answer")
                    served.append(connection.getpeercert()["serialNumber"])
            except (OSError, ssl.SSLError) as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    poll(10, "some are served", lambda: len(served) > 20)
    before = set(served)
    c.make("new", "/CN=shop.test", ("shop.test", "*.wild.test"))
    for end in ("key", "crt"):
        os.replace(c.path(f"new.{end}"), c.path(f"shop.{end}"))
    # Nobody tells the proxy: it notices.
    poll(10, "the new certificate is shown", lambda: set(served) - before)
    stop.set()
    for thread in threads:
        thread.join()
    expect_equal(failures, [])
    # What cannot be used changes nothing.
    key = c.path("shop.key").read_bytes()
    c.path("shop.key").write_text("no key")
    tls.process.signal(signal.SIGHUP)
    poll(10, "the mistake is reported", lambda: "there is no private key in it" in tls.process.text())
    expect_equal(tls.curl("shop.test", "/", "-o", "/dev/null", "-w", "%{http_code}").stdout, b"200")
    c.path("shop.key").write_bytes(key)
