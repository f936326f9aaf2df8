"""HTTP as curl and a bare socket speak it."""
import hashlib
import json
import re
import socket

from harness import Broken, command, expect, expect_equal, promise
from http_client import get, get_ok
from stage import LARGE


def curl(stage, host, path, *options, seconds=60):
    """Runs curl against the proxy; its output as bytes."""
    done = command("curl", "-sS", "--fail-with-body", "--max-time", seconds, "--resolve",
                   f"{host}:{stage.port}:127.0.0.1", *options, f"http://{host}:{stage.port}{path}", seconds=seconds + 5)
    expect(done.returncode == 0, "curl", done.returncode, done.stderr.decode()[-300:], done.stdout[:200])
    return done.stdout


def digest_of_file(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def exchange(stage, sent):
    """Sends raw bytes and reads to the end of the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", stage.port), 10) as connection:
        try:
            connection.sendall(sent)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            raise Broken(f"the connection stays open after {received[:60]}") from None
    return received


@promise("curl: GET")
def curl_get(stage):
    expect_equal(curl(stage, stage.host, "/small"), b"s" * 1024)


@promise("curl: HEAD has the length of the body and no body")
def curl_head(stage):
    head = curl(stage, stage.host, "/small", "-I").decode()
    expect(re.search(r"^HTTP/1\.1 200 ", head), head)
    expect("content-length: 1024\r\n" in head.lower(), head)


@promise("curl: POST")
def curl_post(stage):
    answer = json.loads(curl(stage, "bodies.test", "/form", "-d", "a=1&b=2"))
    expect_equal((answer["method"], answer["length"]), ("POST", 7))
    expect_equal(answer["sha256"], hashlib.sha256(b"a=1&b=2").hexdigest())


@promise("curl: chunked upload, and a chunked response")
def curl_chunked(stage):
    small = stage.folder / "files" / "small"
    answer = json.loads(curl(stage, "bodies.test", "/up", "-H", "Transfer-Encoding: chunked",
                             "--data-binary", f"@{small}"))
    expect_equal((answer["length"], answer["sha256"]), (1024, digest_of_file(small)))
    expect_equal(len(curl(stage, "bodies.test", "/chunks?n=123456")), 123456)


@promise("curl: --http1.0, for a body with a length and for one without")
def curl_http10(stage):
    expect_equal(curl(stage, stage.host, "/small", "--http1.0"), b"s" * 1024)
    expect_equal(curl(stage, "bodies.test", "/chunks?n=54321", "--http1.0"), b"y" * 54321)


@promise("curl: Expect: 100-continue is answered without delay")
def curl_expect(stage):
    small = stage.folder / "files" / "small"
    seconds = curl(stage, "bodies.test", "/up", "-H", "Expect: 100-continue", "--expect100-timeout", "20",
                   "--data-binary", f"@{small}", "-o", "/dev/null", "-w", "%{time_total}")
    expect(float(seconds) < 10, seconds)


@promise("curl: several requests go over one kept connection")
def curl_keeps_alive(stage):
    url = f"http://{stage.host}:{stage.port}/small"
    connects = curl(stage, stage.host, "/small", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
                    "-w", "%{num_connects} ", url, url).decode()
    expect_equal(connects.split(), ["1", "0", "0"], "connections made")


@promise("100 MB down arrive with the same checksum", seconds=120)
def large_download(stage):
    body = stage.folder / "downloaded"
    curl(stage, stage.host, "/large", "-o", body, seconds=100)
    expect_equal(body.stat().st_size, LARGE)
    expect_equal(digest_of_file(body), digest_of_file(stage.folder / "files" / "large"))
    body.unlink()


@promise("100 MB up arrive with the same checksum, with a length and chunked", seconds=180)
def large_upload(stage):
    large = stage.folder / "files" / "large"
    for framing in ([], ["-H", "Transfer-Encoding: chunked"]):
        answer = json.loads(curl(stage, "bodies.test", "/up", "-T", large, *framing, seconds=80))
        expect_equal((answer["method"], answer["length"]), ("PUT", LARGE))
        expect_equal(answer["sha256"], digest_of_file(large))


@promise("after 300 MB of bodies the proxy has never held 80 MB of memory")
def memory(stage):
    status = open(f"/proc/{stage.proxy.child.pid}/status").read()
    peak = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])
    expect(peak < 80_000, "peak", peak, "kB")


@promise("the backend sees the client's host and X-Forwarded-*, and no hop-by-hop field, forged or true")
def forwarded_fields(stage):
    answer = get_ok(stage.port, "bodies.test", "/echo?a=b", **{
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Real-IP": "6.6.6.6", "X-Custom": "kept",
        "Connection": "keep-alive, X-Private", "X-Private": "1", "Keep-Alive": "timeout=5", "TE": "gzip",
        "Proxy-Connection": "keep-alive"})
    seen = json.loads(answer.body)
    fields = {name.lower(): value for name, value in seen["fields"]}
    expect_equal(seen["target"], "/echo?a=b")
    for name, value in {"host": "bodies.test", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http",
                        "x-forwarded-host": "bodies.test", "x-real-ip": "127.0.0.1", "x-custom": "kept",
                        "x-forwarded-port": str(stage.port)}.items():
        expect_equal(fields.get(name), value, name)
    expect(fields.get("x-request-id"), "no X-Request-ID")
    left = {"x-private", "keep-alive", "te", "proxy-connection", "via", "upgrade"} & set(fields)
    expect_equal(left, set(), "fields that should not arrive")
    names = [name.lower() for name, _ in seen["fields"]]
    expect_equal(len(names), len(set(names)), "a field sent twice")


@promise("pipelined requests are answered in their order")
def pipelining(stage):
    request = "GET /bytes?n={} HTTP/1.1\r\nHost: bodies.test\r\n{}\r\n"
    sent = "".join(request.format(n, "Connection: close\r\n" if n == 3000 else "") for n in (1000, 2000, 3000))
    lengths = re.findall(rb"(?i)content-length: (\d+)", exchange(stage, sent.encode()))
    expect_equal(lengths, [b"1000", b"2000", b"3000"])


@promise("an unknown host gets 404, a service without backends 503, a refused connection 502")
def local_responses(stage):
    for host, status in (("unknown.test", 404), ("nowhere.test", 503), ("refused.test", 502)):
        answer = get(stage.port, host)
        expect_equal(answer.status, status, host)
        expect(len(answer.values("Date")) == 1 and 0 < len(answer.body) < 1000, host, answer.fields, answer.body)


@promise("malformed requests are refused with 400 and oversized heads with 431, and the connection is closed")
def refusals(stage):
    host = "Host: bodies.test\r\n"
    post = f"POST / HTTP/1.1\r\n{host}"
    cases = {
        "no Host": ("GET / HTTP/1.1\r\n\r\n", 400),
        "two Hosts": (f"GET / HTTP/1.1\r\n{host}{host}\r\n", 400),
        "length and chunked": (f"{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "two lengths": (f"{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        "space before colon": (f"GET / HTTP/1.1\r\n{host}A : b\r\n\r\n", 400),
        "folded line": (f"GET / HTTP/1.1\r\n{host}A: b\r\n c\r\n\r\n", 400),
        "bare line feeds": ("GET / HTTP/1.1\nHost: bodies.test\n\n", 400),
        "large head": (f"GET / HTTP/1.1\r\n{host}A: {'a' * 60_000}\r\n\r\n", 431),
    }
    for name, (sent, status) in cases.items():
        try:
            received = exchange(stage, sent.encode())
        except Broken as error:
            raise Broken(f"{name}: {error}") from None
        expect(received.startswith(b"HTTP/1.1 %d " % status), name, received[:60])
        expect_equal(received.count(b"HTTP/1.1 "), 1, name)
