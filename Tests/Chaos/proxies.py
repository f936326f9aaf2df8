"""The proxies under chaos, each with the same three backends, the same patience and two threads."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

RELOADS = ("changed", "again")


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Proxy:
    """One proxy at a port; `main` is the process that serves now, `all` are those it has had."""

    name = ""

    def __init__(self, folder, port, backends, log=None):
        self.folder, self.port, self.backends, self.log = Path(folder), port, backends, log
        self.folder.mkdir()
        self.number = 0
        self.main = None
        self.started = []

    def write(self):
        raise NotImplementedError

    def start(self, prefix=(), isReplaced=False):
        """isReplaced: the program is going to be replaced, for which some must be no child of ours."""
        self.isLimited = "ulimit" in "".join(prefix)
        self.write()
        with open(self.folder / "log", "ab") as output:
            child = subprocess.Popen([*prefix, *map(str, self.command())], stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=output, start_new_session=True)
        self.started.append(child)
        self.main = child.pid
        return self

    def find_main(self):
        """Once it listens: which process it is."""

    def reload(self):
        self.number += 1
        self.write()
        os.kill(self.main, self.reload_signal)

    def resident_megabytes(self):
        """Of all processes of the group."""
        total = 0
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self.started[0].pid:
                    pages = int((entry / "statm").read_text().split()[1])
                    total += pages * os.sysconf("SC_PAGE_SIZE")
            except (OSError, ProcessLookupError):
                continue
        return total / 1e6

    def stop(self, number=signal.SIGTERM, seconds=40):
        """Seconds until the process has ended; None when it had to be killed."""
        begun = time.monotonic()
        os.kill(self.main, number)
        try:
            self.started[0].wait(seconds)
            return time.monotonic() - begun
        except subprocess.TimeoutExpired:
            return None

    def end(self):
        for child in self.started:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()


class Ours(Proxy):
    name = "l7proxy"
    program = None
    reload_signal = signal.SIGHUP
    quit_signal = signal.SIGTERM

    def write(self):
        backends = ", ".join(f'"127.0.0.1:{port}"' for port in self.backends)
        log = f"accessLog: {{format: json, path: {self.log}}}\n" if self.log else ""
        text = f"""
listeners: [{{address: "127.0.0.1:{self.port}"}}]
workers: 2
timeouts: {{connect: 1s, backendRead: 1s, drain: 20s}}
{log}services:
  s:
    backends: [{backends}]
    healthCheck: {{path: /bytes/2, interval: 500ms, timeout: 1s, rise: 1, fall: 2}}
routes:
  - {{service: s, annotations: {{proxy-next-upstream: error timeout invalid_header}}}}
  - {{path: /{RELOADS[self.number % 2]}, service: s}}
"""
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.rename(self.folder / "routes.yaml")

    def command(self):
        return [self.program, "run", "--config", self.folder / "routes.yaml", "--admin", "off",
                "--pid-file", self.folder / "pid"]

    def replace(self):
        done = subprocess.run([self.program, "upgrade", "--pid-file", self.folder / "pid"], capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        self.main = int((self.folder / "pid").read_text())


class Nginx(Proxy):
    name = "nginx"
    program = find("nginx")
    reload_signal = signal.SIGHUP
    quit_signal = signal.SIGQUIT

    def write(self):
        servers = " ".join(f"server 127.0.0.1:{port};" for port in self.backends)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 2; pid {self.folder}/pid; error_log {self.folder}/error.log warn;
worker_rlimit_nofile {resource_limit()};
{'user root;' if os.geteuid() == 0 else ''}
events {{ worker_connections 10000; }}
http {{
  access_log {self.log or 'off'}; {temporary}
  keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream s {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096 reuseport;
    location / {{
      proxy_pass http://s; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 1s; proxy_read_timeout 1s;
      proxy_next_upstream error timeout invalid_header;
    }}
    location = /ws {{
      proxy_pass http://s; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 1h;
    }}
    location /{RELOADS[self.number % 2]} {{ return 200; }}
  }}
}}
""")

    def start(self, prefix=(), isReplaced=False):
        # A child of whoever started it ignores USR2; behind a shell that has gone it is nobody's child.
        return super().start((*prefix, "sh", "-c", '"$@" & sleep 1', "sh") if isReplaced else prefix)

    def find_main(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:       # it listens before it says who it is
            try:
                self.main = int((self.folder / "pid").read_text())
                return
            except (OSError, ValueError):
                time.sleep(0.01)
        raise RuntimeError("has no pid file")

    def command(self):
        return [self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf"]

    def replace(self):
        """As its documentation says: USR2, and QUIT to the old one once the new one is there."""
        old = self.main
        end, pid = time.monotonic() + 10, old
        while (self.folder / "pid.oldbin").exists():
            if time.monotonic() > end:
                raise RuntimeError("cannot be replaced again while tunnels of the last one are open")
            time.sleep(0.01)
        os.kill(old, signal.SIGUSR2)
        while pid == old:
            if time.monotonic() > end:
                raise RuntimeError("was not replaced in 10 s")
            time.sleep(0.01)
            try:
                pid = int((self.folder / "pid").read_text())
            except (OSError, ValueError):
                continue
        time.sleep(0.3)         # its workers
        os.kill(old, signal.SIGQUIT)
        self.main = pid
        time.sleep(0.2)


class HAProxy(Proxy):
    name = "haproxy"
    program = find("haproxy")
    reload_signal = signal.SIGUSR2
    quit_signal = signal.SIGUSR1

    def write(self):
        servers = "\n  ".join(f"server b{n} 127.0.0.1:{port} check inter 500ms rise 1 fall 2"
                              for n, port in enumerate(self.backends))
        (self.folder / "haproxy.cfg").write_text(f"""
global
  nbthread 2
  {"" if self.isLimited else "maxconn 9000"}
  stats socket {self.folder}/socket mode 600 level admin expose-fd listeners
  {f'log {self.log} local0' if self.log else ''}
defaults
  mode http
  timeout connect 1s
  timeout client 75s
  timeout server 1s
  timeout tunnel 1h
  timeout http-request 10s
  option redispatch 1
  option httpchk GET /bytes/2
  option idle-close-on-response
  retries 3
  retry-on all-retryable-errors
frontend f
  bind 127.0.0.1:{self.port} backlog 4096
  acl changed path_beg /{RELOADS[self.number % 2]}
  default_backend s
backend s
  balance roundrobin
  {servers}
""")

    def command(self):
        return [self.program, "-W", "-f", self.folder / "haproxy.cfg"]

    def replace(self):
        """The master starts its program anew, and gives it the listeners."""
        os.kill(self.main, signal.SIGUSR2)
        time.sleep(1)


def resource_limit():
    import resource
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
