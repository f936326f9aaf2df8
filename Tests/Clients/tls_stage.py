"""What the TLS promises stand on: an authority, certificates, backends and proxies with TLS."""
import os
import re
import shutil
import ssl

from harness import Process, command, expect, free_port, free_ports, poll

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")


class Certificates:
    """Made with the openssl command in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.make("ca", "/O=Tests/CN=Test CA", extensions=("basicConstraints=critical,CA:TRUE",), signed=False)

    def path(self, name):
        return self.folder / name

    def make(self, name, subject, names=(), extensions=(), key=EC, signed=True, days=30):
        """NAME.crt and NAME.key, signed by the authority or by itself."""
        if names:
            extensions = (*extensions, "subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        arguments = ["openssl", "req", "-x509", *key, "-nodes", "-subj", subject, "-days", days,
                     "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.crt")]
        for extension in extensions:
            arguments += ["-addext", extension]
        if signed:
            arguments += ["-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key"),
                          "-addext", "basicConstraints=critical,CA:FALSE"]
        done = command(*arguments)
        expect(done.returncode == 0, done.stderr.decode())

    def revocations(self, name):
        """A list, signed by the authority, that takes this certificate back."""
        index, settings, made = (self.folder / f"{name}.{end}" for end in ("index", "ca.conf", "crl"))
        index.write_text("")
        settings.write_text(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {index}\ndefault_md = sha256\n"
                            "default_crl_days = 30\n")
        own = ("-config", settings, "-keyfile", self.path("ca.key"), "-cert", self.path("ca.crt"))
        for work in (("-revoke", self.path(f"{name}.crt")), ("-gencrl", "-out", made)):
            done = command("openssl", "ca", *own, *work)
            expect(done.returncode == 0, done.stderr.decode())
        return made.read_bytes()


def make_stage(stage):
    """Certificates, backends and one proxy, made at the first use and kept with the stage."""
    if hasattr(stage, "tls"):
        return stage.tls
    certificates = Certificates(stage.folder / "certificates")
    certificates.make("shop", "/CN=shop.test", ("shop.test", "*.wild.test"))
    certificates.make("shop-rsa", "/CN=shop.test", ("shop.test",), key=RSA)
    certificates.make("other", "/CN=other.test", ("other.test",))
    certificates.make("backend", "/CN=backend.internal", ("backend.internal",))
    certificates.make("alice", "/O=Tests/CN=alice")
    certificates.make("eve", "/O=Tests/CN=alice", signed=False)
    stage.tls = TLSStage(stage, certificates)
    return stage.tls


def listening(process):
    """Waits for a proxy until all of its listeners are there, not only the first."""
    def attempt():
        expect(process.child.poll() is None, f"ended with {process.child.returncode}:", process.text()[-600:])
        return "ready, listening" in process.text()
    poll(15, "the proxy is ready", attempt)
    return process


class TLSStage:
    def __init__(self, stage, certificates):
        self.stage, self.certificates = stage, certificates
        self.backend_port = free_port()
        self.start_nginx()
        self.plain_port, self.port, self.strict_port = free_ports(3)
        self.file = stage.folder / "tls.yaml"
        self.file.write_text(self.routes())
        self.process = self.start(self.file)

    def start(self, file):
        process = Process([self.stage.proxy_program, "run", "--config", file], file.with_suffix(".log"))
        return listening(process)

    def proxy(self, name, text, options=(), **listener):
        """A proxy of its own: `port` in the clear, `tls_port` in TLS, `process`."""
        return ProxyInTLS(self, name, text, options, listener)

    def rewrite(self, proxy, text, **listener):
        """Gives a proxy of `proxy` other routes and TLS settings."""
        proxy.listener, proxy.routes = listener, text
        proxy.change("")

    def bodies(self):
        return f'routes: [{{backends: ["127.0.0.1:{self.stage.ports["bodies"]}"]}}]\n'

    def serial(self, port, name="shop.test"):
        """Of the certificate that is shown for this name."""
        _, output = self.s_client("-servername", name, port=port)
        pem = re.search("-----BEGIN CERTIFICATE.*END CERTIFICATE-----", output, re.S)
        return command("openssl", "x509", "-noout", "-serial", input=pem[0].encode(), stdin=None).stdout

    def serial_of(self, name):
        done = command("openssl", "x509", "-noout", "-serial", "-in", self.certificates.path(name))
        return done.stdout.decode().strip().removeprefix("serial=")

    def routes(self):
        c = self.certificates.folder
        bodies, ws = (f"127.0.0.1:{self.stage.ports[name]}" for name in ("bodies", "ws"))
        return f"""
listeners:
  - address: 127.0.0.1:{self.plain_port}
  - address: 127.0.0.1:{self.port}
    tls:
      certificates:
        - {{certificate: {c}/shop.crt, key: {c}/shop.key}}
        - {{certificate: {c}/shop-rsa.crt, key: {c}/shop-rsa.key}}
        - {{certificate: {c}/other.crt, key: {c}/other.key}}
  - address: 127.0.0.1:{self.strict_port}
    tls:
      certificates: [{{certificate: {c}/shop.crt, key: {c}/shop.key}}]
      clientCA: {c}/ca.crt
      minVersion: "1.3"
timeouts: {{tlsHandshake: 1s}}
services:
  bodies: {{backends: ["{bodies}"]}}
  secure:
    backends: ["127.0.0.1:{self.backend_port}"]
    tls: {{ca: {c}/ca.crt, serverName: backend.internal, certificate: {c}/alice.crt, key: {c}/alice.key}}
  distrusted:
    backends: ["127.0.0.1:{self.backend_port}"]
    tls: {{ca: {c}/ca.crt, serverName: another.internal}}
routes:
  - {{host: shop.test, service: bodies}}
  - {{host: shop.test, path: /ws, backends: ["{ws}"]}}
  - {{host: a.wild.test, service: secure}}
  - {{host: b.wild.test, service: distrusted}}
  - {{host: plain.test, service: bodies}}
  - {{host: forced.test, service: bodies, annotations: {{force-ssl-redirect: "true"}}}}
  - {{host: relaxed.wild.test, service: bodies, annotations: {{ssl-redirect: "false"}}}}
"""

    def start_nginx(self):
        """A backend in TLS that asks for a certificate and says what it saw."""
        home = self.stage.folder / "nginx-tls"
        home.mkdir()
        c = self.certificates.folder
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
        (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log warn;
{'user root;' if os.geteuid() == 0 else ''}
events {{ worker_connections 1024; }}
http {{
  access_log off; {temporary} keepalive_requests 3;
  server {{
    listen 127.0.0.1:{self.backend_port} ssl;
    ssl_certificate {c}/backend.crt; ssl_certificate_key {c}/backend.key;
    ssl_client_certificate {c}/ca.crt; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;
    root {self.stage.folder}/files;
    location = / {{
      return 200 "$ssl_server_name $ssl_client_verify $ssl_session_reused $connection_requests";
    }}
  }}
}}
""")
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        Process([nginx, "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"], home / "log").ready(
            "127.0.0.1", self.backend_port)

    def context(self, certificate=None, **options):
        """Of a client that trusts the authority."""
        context = ssl.create_default_context(cafile=self.certificates.path("ca.crt"))
        if certificate:
            context.load_cert_chain(self.certificates.path(f"{certificate}.crt"),
                                    self.certificates.path(f"{certificate}.key"))
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def curl(self, host, path="/", *options, port=None):
        port = port or self.port
        return command("curl", "-sS", "-m", 20, "--cacert", self.certificates.path("ca.crt"),
                       "--resolve", f"{host}:{port}:127.0.0.1", *options, f"https://{host}:{port}{path}")

    def s_client(self, *options, port=None, send=b"", seconds=20):
        """(status, output) of `openssl s_client`."""
        done = command("openssl", "s_client", "-connect", f"127.0.0.1:{port or self.port}",
                       "-CAfile", self.certificates.path("ca.crt"), *options,
                       input=send, stdin=None, seconds=seconds)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


class ProxyInTLS:
    """One listener in the clear, one in TLS with a certificate of the stage."""

    def __init__(self, tls, name, text, options, listener):
        self.tls, self.listener, self.routes = tls, listener, text
        self.port, self.tls_port = free_ports(2)
        self.file = tls.stage.folder / f"{name}.yaml"
        self.file.write_text(self.text())
        self.process = Process([tls.stage.proxy_program, "run", "--config", self.file, *options],
                               self.file.with_suffix(".log"))
        listening(self.process)

    def text(self):
        return self.render(**self.listener)

    def render(self, certificate="shop", staple="", more="", proxied=False):
        pair = self.tls.certificates.path(certificate)
        staple = f", ocsp: {staple}" if staple else ""
        return f"""\
listeners:
  - address: 127.0.0.1:{self.port}
  - address: 127.0.0.1:{self.tls_port}
    proxyProtocol: {str(proxied).lower()}
    tls:
      certificates:
        - {{certificate: {pair}.crt, key: {pair}.key{staple}}}
      {more}
workers: 1
timeouts: {{tlsHandshake: 2s}}
{self.routes}"""

    def change(self, end):
        """Writes the file again and waits until it is in force."""
        count = self.process.text().count("configuration reloaded")
        self.file.write_text(self.text() + end)
        poll(10, "the change is in force",
             lambda: self.process.text().count("configuration reloaded") > count)
