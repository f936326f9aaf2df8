"""The stage: real backends on two "nodes" of loopback, and the proxy in front of them.

A node is a loopback address and a NodePort a free port, the same on both nodes. The documents are
the project's own config/kubernetes.example.yaml with those addresses and that port put in, and more
services of the same shape behind it.
"""
import os
import re
import shutil

from harness import PYTHON, ROOT, HERE, Broken, Process, expect_equal, free_port

NODES = {"a": "127.0.0.1", "b": "127.0.0.2"}
COOKIE = "SERVERID"
LARGE = 100 * 1000 * 1000

ANNOTATIONS = f"""
  annotations:
    nginx.ingress.kubernetes.io/affinity: cookie
    nginx.ingress.kubernetes.io/affinity-mode: persistent
    nginx.ingress.kubernetes.io/session-cookie-name: {COOKIE}"""
CLIENT_IP = """
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}"""


def ingress_and_service(name, port, annotations=ANNOTATIONS, service=""):
    """Host NAME.test, leading to a Service at this NodePort; without a port, to a Service of no backends."""
    kind = f"type: NodePort{service}" if port else "type: ClusterIP"
    node_port = f", nodePort: {port}" if port else ""
    return f"""
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: default{annotations}
spec:
  rules:
    - host: {name}.test
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {{service: {{name: {name}, port: {{number: 80}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec:
  {kind}
  ports: [{{port: 80{node_port}}}]
"""


def example_documents(port):
    """(text, host) of the project's example with its nodes and its NodePort moved to this machine."""
    text = (ROOT / "config" / "kubernetes.example.yaml").read_text()
    addresses = iter(NODES.values())
    text, nodes = re.subn(r"(\baddress:\s*)[\"']?\d+\.\d+\.\d+\.\d+[\"']?", lambda m: m[1] + next(addresses), text)
    expect_equal(nodes, len(NODES), "node addresses in the example")
    text, ports = re.subn(r"(\bnodePort:\s*)30080\b", lambda m: m[1] + str(port), text)
    expect_equal(ports, 1, "nodePort: 30080 in the example")
    host = re.search(r"\bhost:\s*[\"']?([\w.-]+)", text)
    if not host:
        raise Broken("the example has no host")
    return text, host[1]


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.proxy_program = os.environ.get("L7PROXY", str(ROOT / ".build" / "release" / "l7proxy"))
        if not os.access(self.proxy_program, os.X_OK):
            raise SystemExit(f"no {self.proxy_program}; run scripts/build-release, or set L7PROXY")
        self.ports = {name: free_port(*NODES.values()) for name in ("web", "bodies", "ws", "refused")}
        self.make_files()
        for name, address in NODES.items():
            self.start_nginx(name, address)
            for program, service in (("http_backend", "bodies"), ("websocket_backend", "ws")):
                Process([PYTHON, HERE / f"{program}.py", name, address, self.ports[service]],
                        folder / f"{program}-{name}.log").ready(address, self.ports[service])
        text, self.host = example_documents(self.ports["web"])
        self.documents = text + "".join([
            ingress_and_service("bodies", self.ports["bodies"]),
            ingress_and_service("ws", self.ports["ws"]),
            ingress_and_service("address", self.ports["web"], "", CLIENT_IP),
            ingress_and_service("nowhere", None),
            ingress_and_service("refused", self.ports["refused"]),
        ])
        self.port, self.proxy = self.start_proxy("proxy", self.documents)

    def make_files(self):
        files = self.folder / "files"
        files.mkdir()
        (files / "small").write_bytes(b"s" * 1024)
        block = os.urandom(1_000_000)
        with open(files / "large", "wb") as large:
            for number in range(LARGE // len(block)):
                large.write(number.to_bytes(4, "big") + block[4:])

    def start_nginx(self, name, address):
        home = self.folder / f"nginx-{name}"
        home.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
        (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log warn;
{'user root;' if os.geteuid() == 0 else ''}
events {{ worker_connections 4096; }}
http {{
  access_log off; {temporary}
  keepalive_requests 1000000; default_type application/octet-stream;
  server {{
    listen {address}:{self.ports['web']} backlog=1024;
    root {self.folder}/files;
    add_header X-Backend {name} always;
    location = / {{ return 200 "backend {name}\\n"; }}
  }}
}}
""")
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        Process([nginx, "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"], home / "log").ready(
            address, self.ports["web"])

    def start_proxy(self, name, documents):
        """(port, process) of a proxy of its own, listening."""
        path = self.folder / f"{name}.yaml"
        path.write_text(documents)
        port = free_port()
        process = Process([self.proxy_program, "run", "--config", path, "--listen", f"127.0.0.1:{port}"],
                          self.folder / f"{name}.log")
        return port, process.ready("127.0.0.1", port)
