"""The files that TLS is made of: renewed in two steps, missing, shared by replicas, from Kubernetes."""
import base64
import json
import os
import socket
import ssl
import struct

from harness import command, expect, expect_equal, poll, promise
from tls_stage import make_stage


@promise("TLS files: between a new certificate and its key the old pair serves, and then the new one")
def two_steps(stage):
    tls = make_stage(stage)
    c = tls.certificates
    c.make("renewed", "/CN=shop.test", ("shop.test",))
    c.make("renewed-next", "/CN=shop.test", ("shop.test",))
    proxy = tls.proxy("two-steps", tls.bodies(), certificate="renewed")
    before = tls.serial(proxy.tls_port)
    os.replace(c.path("renewed-next.crt"), c.path("renewed.crt"))
    line = f"certificate {c.path('renewed.crt')}: the key does not belong to the certificate; the one in use stays"
    poll(10, "the mistake is told", lambda: line in proxy.process.text())
    expect(f"{c.path('renewed.crt')} has changed" in proxy.process.text(), proxy.process.text())
    expect_equal(tls.serial(proxy.tls_port), before)
    os.replace(c.path("renewed-next.key"), c.path("renewed.key"))
    poll(10, "the new certificate is shown", lambda: tls.serial(proxy.tls_port) != before)


@promise("TLS files: one that is missing is an error with its line and column")
def missing(stage):
    file = stage.folder / "missing.yaml"
    file.write_text("""\
listeners:
  - address: 127.0.0.1:8443
    tls:
      certificates: [{certificate: no.crt, key: no.key}]
routes: [{backends: ["127.0.0.1:1"]}]
""")
    done = command(stage.proxy_program, "check", "--config", file)
    expect_equal(done.returncode, 78)
    said = done.stderr.decode()
    for column, key, name in ((36, "certificate", "no.crt"), (49, "key", "no.key")):
        wanted = f"{file}:4:{column}: error: '{key}': cannot read {file.parent}/{name}: No such file or directory"
        expect(wanted in said, said)


def resumes(tls, port, session):
    """Whether a session of this proxy or another is taken; leaves a new one behind."""
    request = b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
    _, output = tls.s_client("-servername", "shop.test", "-ign_eof", "-sess_in", session, "-sess_out", session,
                             port=port, send=request)
    return "Reused, TLSv1.3" in output


@promise("TLS files: replicas with the same ticketKeys resume each other's sessions, across a rotation")
def ticket_keys(stage):
    tls = make_stage(stage)
    folder = stage.folder / "tickets"
    folder.mkdir()
    for name in ("first", "second"):
        (folder / f"{name}.key").write_bytes(os.urandom(80))

    def keys(*names):
        return "ticketKeys: [" + ", ".join(str(folder / f"{name}.key") for name in names) + "]"

    one = tls.proxy("replica-1", tls.bodies(), more=keys("first"))
    two = tls.proxy("replica-2", tls.bodies(), more=keys("second", "first"))
    other = tls.proxy("no-replica", tls.bodies())
    session = folder / "session.pem"
    request = b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
    tls.s_client("-servername", "shop.test", "-ign_eof", "-sess_out", session, port=one.tls_port, send=request)
    kept = session.read_bytes()
    expect(not resumes(tls, other.tls_port, session), "a stranger could read the ticket")
    session.write_bytes(kept)
    expect(resumes(tls, one.tls_port, session), "not resumed where it was made")
    expect(resumes(tls, two.tls_port, session), "not resumed by the replica")
    # The replica has handed out a ticket under its newer key, which the first does not know yet.
    expect(not resumes(tls, one.tls_port, session), "resumed with a key that is not there")
    tls.rewrite(one, tls.bodies(), more=keys("second"))
    session.write_bytes(kept)
    expect(not resumes(tls, one.tls_port, session), "resumed with a key that was dropped")


@promise("TLS files: Secrets of Kubernetes serve the hosts of spec.tls, and a broken one costs nobody else")
def secrets(stage):
    tls = make_stage(stage)
    c = tls.certificates
    c.make("secret", "/CN=from-a-secret", ("one.k8s.test", "two.k8s.test"))

    def encoded(name):
        return base64.b64encode(c.path(name).read_bytes()).decode()

    def ingress(name, host, secret):
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": {
            "tls": [{"hosts": [host], "secretName": secret}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
                "service": {"name": "s", "port": {"number": 80}}}}]}}]}}

    def secret(name, certificate, key):
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
                "data": {"tls.crt": certificate, "tls.key": key}}

    objects = {"apiVersion": "v1", "kind": "List", "items": [
        ingress("one", "one.k8s.test", "good"), ingress("two", "two.k8s.test", "broken"),
        secret("good", encoded("secret.crt"), encoded("secret.key")),
        secret("broken", encoded("secret.crt"), encoded("other.key")),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {
            "type": "NodePort", "ports": [{"port": 80, "nodePort": stage.ports["bodies"]}]}}]}
    proxy = tls.proxy("secrets", "nodes: [127.0.0.1]\n---\n" + json.dumps(objects) + "\n", certificate="shop")

    def subject(name):
        _, output = tls.s_client("-servername", name, port=proxy.tls_port)
        return [line for line in output.splitlines() if line.startswith("subject=")][0].replace(" ", "")

    expect_equal(subject("one.k8s.test"), "subject=CN=from-a-secret")
    expect_equal(subject("two.k8s.test"), "subject=CN=shop.test")
    expect("Secret default/broken: the key does not belong" in proxy.process.text(), proxy.process.text())
    done = tls.curl("one.k8s.test", "/", "-i", port=proxy.tls_port)
    expect(done.stdout.startswith(b"HTTP/1.1 200"), done.stdout, done.stderr)


@promise("TLS files: an OCSP answer is stapled for clients that ask")
def stapling(stage):
    tls = make_stage(stage)
    c = tls.certificates
    serial = tls.serial_of("shop.crt")
    index, query, answer = (stage.folder / name for name in ("index.txt", "ocsp.query", "ocsp.der"))
    index.write_text(f"V\t361231235959Z\t\t{serial}\tunknown\t/CN=shop.test\n")
    ca = ("-issuer", c.path("ca.crt"))
    done = command("openssl", "ocsp", *ca, "-cert", c.path("shop.crt"), "-reqout", query, "-no_nonce")
    expect_equal(done.returncode, 0, done.stderr)
    done = command("openssl", "ocsp", "-index", index, "-CA", c.path("ca.crt"), "-rsigner", c.path("ca.crt"),
                   "-rkey", c.path("ca.key"), "-ndays", "7", "-reqin", query, "-respout", answer)
    expect_equal(done.returncode, 0, done.stderr)
    proxy = tls.proxy("stapling", tls.bodies(), staple=answer)
    _, output = tls.s_client("-servername", "shop.test", "-status", port=proxy.tls_port)
    expect("OCSP Response Status: successful" in output and "Cert Status: good" in output, output[:800])
    _, output = tls.s_client("-servername", "shop.test", port=proxy.tls_port)
    expect("OCSP" not in output, "stapled without being asked for")


def proxy_v2(source, target, port):
    body = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", 40000, port)
    return b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack("!H", len(body)) + body


@promise("TLS: the PROXY header comes before the handshake, in both versions")
def behind_proxy_header(stage):
    tls = make_stage(stage)
    proxy = tls.proxy("proxied", "clientIP: {trusted: [127.0.0.0/8]}\n" + tls.bodies(), proxied=True)
    for header in (b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 443\r\n", proxy_v2("192.0.2.7", "127.0.0.1", 443)):
        with socket.create_connection(("127.0.0.1", proxy.tls_port), 10) as raw:
            raw.sendall(header)
            with tls.context().wrap_socket(raw, server_hostname="shop.test") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
                text = b"".join(iter(lambda: connection.recv(65536), b""))
        fields = dict(json.loads(text.partition(b"\r\n\r\n")[2])["fields"])
        expect_equal((fields["X-Forwarded-For"], fields["X-Forwarded-Proto"]), ("192.0.2.7", "https"))
    # Without the header there is no handshake.
    with socket.create_connection(("127.0.0.1", proxy.tls_port), 10) as raw:
        try:
            tls.context().wrap_socket(raw, server_hostname="shop.test").close()
            expect(False, "served without the header")
        except (ssl.SSLError, OSError):
            pass


@promise("TLS: HSTS stands in the proxy's own answers too, and in none in the clear")
def local_hsts(stage):
    tls = make_stage(stage)
    line = b"Strict-Transport-Security: max-age=31536000; includeSubDomains"
    done = tls.curl("z.wild.test", "/", "-i")
    expect(done.stdout.startswith(b"HTTP/1.1 404") and line in done.stdout, done.stdout)
    done = command("curl", "-s", "-i", "-m", "10", "-H", "Host: shop.test", f"http://127.0.0.1:{tls.plain_port}/")
    expect(done.stdout.startswith(b"HTTP/1.1 308") and line not in done.stdout, done.stdout)


@promise("TLS: --log-level debug says who failed a handshake, and why")
def failed_handshakes(stage):
    tls = make_stage(stage)
    proxy = tls.proxy("talkative", tls.bodies(), options=("--log-level", "debug"))
    tls.s_client("-servername", "shop.test", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", port=proxy.tls_port)
    poll(5, "an old version is named",
         lambda: "TLS handshake with 127.0.0.1 failed: unsupported protocol" in proxy.process.text())
    command("curl", "-s", "-m", "10", f"https://127.0.0.1:{proxy.tls_port}/")
    poll(5, "the client's alert is named", lambda: "alert unknown ca" in proxy.process.text())
