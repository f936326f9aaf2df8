"""Certificates of clients by host (`auth-tls-*`), and of backends (`proxy-ssl-*`), as Ingresses say it."""
import base64
import json
import re

from harness import command, expect, expect_equal, promise
from http_client import get
from tls_backend import TLSBackend
from tls_stage import make_stage

PREFIX = "nginx.ingress.kubernetes.io/"


def ingress(name, host, annotations, port=80, path="/"):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "annotations": {PREFIX + key: value for key, value in annotations.items()}},
            "spec": {"rules": [{**({"host": host} if host else {}), "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": {
                "service": {"name": "s", "port": {"number": port}}}}]}}]}}


def secret(name, **entries):
    data = {key: base64.b64encode(value).decode() for key, value in entries.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def objects(*items, **ports):
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [
        {"name": name, "port": number + 80, "nodePort": port} for number, (name, port) in enumerate(ports.items())]}}
    return "nodes: [127.0.0.1]\n---\n" + json.dumps({"kind": "List", "apiVersion": "v1",
                                                     "items": [*items, service]}) + "\n"


def make_proxy(stage):
    """One host for each way of asking."""
    if hasattr(stage, "tls_clients"):
        return stage.tls_clients
    tls = make_stage(stage)
    c = tls.certificates
    c.make("many", "/CN=many", tuple(f"{name}.mtls.test" for name in
                                     ("on", "optional", "loose", "alice", "page", "open", "broken", "revoked", "part")))
    c.make("mallory", "/O=Tests/CN=mallory")
    ca = c.path("ca.crt").read_bytes()
    revoked = c.revocations("mallory")
    ways = {
        "on": {"auth-tls-secret": "default/ca", "auth-tls-pass-certificate-to-upstream": "true"},
        "optional": {"auth-tls-secret": "default/ca", "auth-tls-verify-client": "optional"},
        "loose": {"auth-tls-secret": "default/ca", "auth-tls-verify-client": "optional_no_ca"},
        "alice": {"auth-tls-secret": "default/ca", "auth-tls-match-cn": "CN=(alice|bob),"},
        "page": {"auth-tls-secret": "default/ca", "auth-tls-error-page": "https://help.test/certificates"},
        "revoked": {"auth-tls-secret": "default/ca-with-crl"},
        "broken": {"auth-tls-secret": "default/nowhere"},
        "open": {},
        # No certificate is there for this name, so it is served in the clear.
        "cleartext": {"auth-tls-secret": "default/ca", "auth-tls-verify-client": "optional",
                      "auth-tls-match-cn": "CN=alice"},
    }
    text = objects(*(ingress(name, f"{name}.mtls.test", way) for name, way in ways.items()),
                   ingress("part", "part.mtls.test", ways["on"], path="/api"), ingress("rest", None, {}),
                   secret("ca", **{"ca.crt": ca}), secret("ca-with-crl", **{"ca.crt": ca, "ca.crl": revoked}),
                   http=stage.ports["bodies"])
    stage.tls_clients = tls.proxy("mtls", text, certificate="many")
    return stage.tls_clients


def ask(stage, host, who=None, *options):
    """(status, fields about the certificate, headers) of an answer to a client with this certificate."""
    tls, proxy = make_stage(stage), make_proxy(stage)
    c = tls.certificates
    own = ("--cert", c.path(f"{who}.crt"), "--key", c.path(f"{who}.key")) if who else ()
    done = tls.curl(f"{host}.mtls.test", "/", "-i", *own, *options, port=proxy.tls_port)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    status = int(head.split()[1]) if head else 0
    seen = json.loads(body)["fields"] if status == 200 else []
    return status, {name: value for name, value in seen if name.lower().startswith("ssl-client")}, head + body


@promise("client certificates by host: on, optional and optional_no_ca let in whom ingress-nginx lets in")
def modes(stage):
    for host, who, status, verdict in (
            ("on", None, 400, None), ("on", "alice", 200, "SUCCESS"), ("on", "eve", 400, None),
            ("optional", None, 200, "NONE"), ("optional", "alice", 200, "SUCCESS"), ("optional", "eve", 400, None),
            ("loose", None, 200, "NONE"), ("loose", "alice", 200, "SUCCESS"),
            ("loose", "eve", 200, "FAILED:self-signed certificate"),
            ("open", "alice", 200, None), ("open", None, 200, None)):
        found, fields, answer = ask(stage, host, who, "-H", "ssl-client-verify: SUCCESS")
        expect_equal(found, status, f"{host} {who} {answer}")
        expect_equal(fields.get("ssl-client-verify"), verdict, f"{host} {who}")
    expect("a client certificate is required here" in ask(stage, "on")[2])
    fields = ask(stage, "on", "alice")[1]
    expect_equal((fields["ssl-client-subject-dn"], fields["ssl-client-issuer-dn"]),
                 ("CN=alice,O=Tests", "CN=Test CA,O=Tests"))
    expect(fields["ssl-client-cert"].startswith("-----BEGIN%20CERTIFICATE"), fields)
    expect("ssl-client-cert" not in ask(stage, "optional", "alice")[1], "passed on without being asked for")


@promise("client certificates by host: match-cn, revocation lists and the error page are kept to")
def refusals(stage):
    expect_equal(ask(stage, "alice", "alice")[0], 200)
    status, _, answer = ask(stage, "alice", "mallory")
    expect(status == 403 and "client certificate unauthorized" in answer, answer)
    expect_equal(ask(stage, "on", "mallory")[0], 200)
    expect_equal((ask(stage, "revoked", "mallory")[0], ask(stage, "revoked", "alice")[0]), (400, 200))
    status, _, answer = ask(stage, "page")
    expect(status == 302 and "Location: https://help.test/certificates" in answer, answer)


@promise("client certificates by host: what cannot be looked up lets nobody in, and stops nothing else")
def broken(stage):
    proxy = make_proxy(stage)
    expect_equal((ask(stage, "broken", "alice")[0], ask(stage, "open")[0]), (503, 200))
    expect("auth-tls-secret: Secret default/nowhere is not there" in proxy.process.text(), proxy.process.text())


@promise("client certificates by host: what was proved to one host is not taken by another, nor in the clear")
def scopes(stage):
    proxy = make_proxy(stage)
    for host, other, who, status in (
            ("open", "on", "alice", 421), ("on", "open", "alice", 421), ("optional", "on", "alice", 421),
            ("on", "on", "alice", 200)):
        found, _, answer = ask(stage, host, who, "-H", f"Host: {other}.mtls.test")
        expect_equal(found, status, f"{other} on a connection to {host}")
        # Whoever comes again does so on another connection.
        expect_equal("Connection: close" in answer, status == 421, answer)
    # No name at all: the certificate was not asked for.
    done = command("curl", "-sk", "-m", "10", "-i", "-H", "Host: on.mtls.test",
                   f"https://127.0.0.1:{proxy.tls_port}/")
    expect(done.stdout.startswith(b"HTTP/1.1 421"), done.stdout)
    expect_equal(get(proxy.port, "on.mtls.test").status, 308)
    expect_equal(get(proxy.port, "cleartext.mtls.test").status, 400)


@promise("client certificates by host: paths that only another rule serves ask for them too")
def other_paths(stage):
    proxy = make_proxy(stage)
    expect_equal((ask(stage, "part", "alice")[0], ask(stage, "part")[0]), (200, 400))
    found = ask(stage, "open", None, "-H", "Host: part.mtls.test")[0]
    expect_equal((found, get(proxy.port, "part.mtls.test").status), (421, 400))


@promise("client certificates by host: a session is resumed where it began, and not where more is asked for")
def resumption(stage):
    tls, proxy = make_stage(stage), make_proxy(stage)
    c = tls.certificates
    saved = stage.folder / "mtls-session.pem"
    alice = ("-cert", c.path("alice.crt"), "-key", c.path("alice.key"))

    def connect(host, *options, version="-tls1_3"):
        request = f"GET / HTTP/1.1\r\nHost: {host}.mtls.test\r\nConnection: close\r\n\r\n".encode()
        _, output = tls.s_client("-servername", f"{host}.mtls.test", version, "-ign_eof", *options,
                                 port=proxy.tls_port, send=request)
        return re.search(r"^(New|Reused), ", output, re.M)[1], re.search(r"HTTP/1.1 (\d+)", output)[1], output

    for version in ("-tls1_2", "-tls1_3"):
        connect("on", *alice, "-sess_out", saved, version=version)
        kind, status, output = connect("on", "-sess_in", saved, version=version)
        expect_equal((kind, status), ("Reused", "200"), version)
        expect("CN=alice" in output, "the backend was not told who it is")
        connect("open", "-sess_out", saved, version=version)
        expect_equal(connect("on", "-sess_in", saved, version=version)[:2], ("New", "400"), version)


@promise("backends in TLS by annotations: authority and certificate from a Secret, versions, and no trust without it")
def to_backends(stage):
    tls = make_stage(stage)
    c = tls.certificates
    read = {name: c.path(name).read_bytes() for name in ("ca.crt", "alice.crt", "alice.key")}
    trusted = {"backend-protocol": "HTTPS", "proxy-ssl-secret": "default/to-backends",
               "proxy-ssl-name": "backend.internal"}
    with TLSBackend(c, "backend") as backend:
        backend.context.load_verify_locations(c.path("ca.crt"))
        backend.context.verify_mode = 2
        text = objects(
            ingress("a", "a.test", trusted), ingress("b", "b.test", {**trusted, "proxy-ssl-protocols": "TLSv1.2"}),
            ingress("c", "c.test", {**trusted, "proxy-ssl-name": "another.internal"}),
            ingress("d", "d.test", {**trusted, "proxy-ssl-secret": "default/broken"}),
            ingress("e", "e.test", {**trusted, "proxy-ssl-secret": "default/nowhere"}),
            ingress("f", "f.test", {**trusted, "proxy-ssl-ciphers": "NO-SUCH-CIPHER"}),
            ingress("g", "g.test", {**trusted, "proxy-ssl-server-name": "off",
                                    "proxy-ssl-ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}),
            secret("to-backends", **{"ca.crt": read["ca.crt"], "tls.crt": read["alice.crt"],
                                     "tls.key": read["alice.key"]}),
            secret("broken", **{"ca.crt": b"no certificate"}), http=backend.port)
        proxy = tls.proxy("to-backends", text)

        def served(host):
            answer = get(proxy.port, host)
            return json.loads(answer.body)["version"] if answer.status == 200 else answer.status

        found = {host: served(f"{host}.test") for host in "abcdefg"}
        expect_equal(found, {"a": "TLSv1.3", "b": "TLSv1.2", "c": 502, "d": 502, "e": 502, "f": 502, "g": "TLSv1.3"},
                     proxy.process.text())
        expect("authority" in proxy.process.text() or "no certificate in it" in proxy.process.text(),
               proxy.process.text())

