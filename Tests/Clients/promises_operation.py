"""The command line as an operator meets it: reload, drain, exit codes."""
import http.client
import json
import os
import shutil
import signal
import socket
import threading

from harness import ROOT, Process, accepts, command, expect, expect_equal, free_port, free_ports, poll, promise
from http_client import Client, get
from stage import COOKIE, ingress_and_service

USAGE, UNAVAILABLE, CONFIG = 64, 69, 78      # sysexits.h


@promise("SIGHUP reads the documents again, without touching an open connection")
def reload(stage):
    port, process = stage.start_proxy("reload", stage.documents)
    with Client(port, stage.host) as kept:
        expect_equal(kept.get().status, 200)
        held = kept.connection.sock
        expect_equal(get(port, "late.test").status, 404, "before")
        (stage.folder / "reload.yaml").write_text(
            stage.documents + ingress_and_service("late", stage.ports["web"]))
        process.signal(signal.SIGHUP)
        poll(10, "the new route answers", lambda: get(port, "late.test").status == 200)
        expect_equal(kept.get().status, 200, "on the connection from before")
        expect(kept.connection.sock is held, "the kept connection was closed")
    process.end()


@promise("a changed file is noticed without a signal: written, replaced, and swapped by a link")
def watched(stage):
    port, process = stage.start_proxy("watched", stage.documents)
    path = stage.folder / "watched.yaml"

    def with_host(host):
        return stage.documents + ingress_and_service(host, stage.ports["web"])
    path.write_text(with_host("written"))
    poll(10, "the written file is read", lambda: get(port, "written.test").status == 200)
    fresh = stage.folder / "watched.fresh"
    fresh.write_text(with_host("replaced"))
    fresh.rename(path)
    poll(10, "the replaced file is read", lambda: get(port, "replaced.test").status == 200)
    # As Kubernetes mounts a ConfigMap: the file leads through a link that is swapped as a whole.
    for version in ("one", "two"):
        folder = stage.folder / f"mount-{version}"
        folder.mkdir()
        (folder / "routes.yaml").write_text(with_host(version))
    link = stage.folder / "..data"
    link.symlink_to("mount-one")
    mounted = stage.folder / "watched.mounted"
    mounted.symlink_to("..data/routes.yaml")
    mounted.rename(path)
    poll(10, "the mounted file is read", lambda: get(port, "one.test").status == 200)
    swapped = stage.folder / "..swapped"
    swapped.symlink_to("mount-two")
    swapped.rename(link)
    poll(10, "the swapped link is followed", lambda: get(port, "two.test").status == 200)
    path.unlink()
    expect_equal(get(port, "two.test").status, 200, "while the file is gone")
    process.end()


@promise("a changed cookie key is read without a signal, and cookies of the old one are replaced")
def watched_key(stage):
    key = stage.folder / "cookie.key"
    key.write_bytes(os.urandom(32))
    port, process = stage.start_proxy("keyed", "cookieKeys: [cookie.key]\n---\n" + stage.documents)
    held = get(port, stage.host).cookie(COOKIE)
    expect(held, "no cookie")
    expect_equal(get(port, stage.host, cookie=held).cookie(COOKIE), "", "with the key that made it")
    key.write_bytes(os.urandom(32))
    poll(10, "the key is read", lambda: get(port, stage.host, cookie=held).cookie(COOKIE))
    process.end()


@promise("a socket in a path is served over reloads, and every worker listens at what a reload adds")
def path_listener(stage):
    path, first, second = stage.folder / "listeners.sock", *free_ports(2)
    file = stage.folder / "listeners.yaml"

    def listening_at(*ports):
        others = "".join(f"  - address: 127.0.0.1:{port}\n" for port in ports)
        return stage.documents + f"\n---\nworkers: 2\nlisteners:\n  - address: unix:{path}\n{others}"

    def sockets_at(port):
        with open("/proc/net/tcp") as table:
            return sum(line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A" for line in table)
    file.write_text(listening_at(first))
    process = Process([stage.proxy_program, "run", "--config", file, "--admin", "off"],
                      stage.folder / "listeners.log").ready("127.0.0.1", first)
    file.write_text(listening_at(first, second))
    poll(10, "two workers listen at the added port", lambda: sockets_at(second) == 2)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(f"GET /small HTTP/1.1\r\nHost: {stage.host}\r\n\r\n".encode())
        expect(client.recv(100).startswith(b"HTTP/1.1 200 "), "no answer at the path")
    expect("cannot listen" not in process.text(), process.text()[-400:])
    process.end()


@promise("a bad file at SIGHUP is reported, and the routes from before stay")
def bad_reload(stage):
    port, process = stage.start_proxy("bad-reload", stage.documents)
    reported = len(process.text())
    (stage.folder / "bad-reload.yaml").write_text("routes:\n  - bakends: [127.0.0.1:1]\n")
    process.signal(signal.SIGHUP)
    poll(10, "the error is reported", lambda: "bakends" in process.text()[reported:])
    expect_equal(get(port, stage.host).status, 200)
    expect(process.child.poll() is None, "the proxy ended")
    process.end()


@promise("a file that a redirection empties under the proxy is not taken, until it is filled")
def emptied(stage):
    port, process = stage.start_proxy("emptied", stage.documents)
    path = stage.folder / "emptied.yaml"
    path.write_text("")
    poll(15, "the empty file is reported", lambda: "a file of it is empty" in process.text())
    expect_equal(get(port, stage.host).status, 200)
    path.write_text(stage.documents + ingress_and_service("filled", stage.ports["web"]))
    poll(15, "the filled file is read", lambda: get(port, "filled.test").status == 200)
    process.end()


@promise("SIGTERM: what is in flight is finished, nothing new is taken, and the status is 0")
def drain(stage):
    port, process = stage.start_proxy("drain", stage.documents)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/slow?ms=4000", headers={"Host": "bodies.test"})
    response = connection.getresponse()     # its head is here, half of its body is not
    process.signal(signal.SIGTERM)
    poll(3, "the listener closes", lambda: not accepts("127.0.0.1", port))
    body = json.loads(response.read())
    expect_equal(body["target"], "/slow?ms=4000")
    connection.close()
    expect_equal(process.wait(10), 0, "exit status")


@promise("SIGTERM with only idle connections ends at once with status 0, SIGINT too")
def idle_drain(stage):
    for number in (signal.SIGTERM, signal.SIGINT):
        port, process = stage.start_proxy(f"idle-{number}", stage.documents)
        with Client(port, stage.host) as idle:
            expect_equal(idle.get().status, 200)
            process.signal(number)
            expect_equal(process.wait(5), 0, f"exit status after signal {number}")


@promise("a second SIGTERM stops at once")
def second_signal(stage):
    port, process = stage.start_proxy("impatient", stage.documents)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/slow?ms=20000", headers={"Host": "bodies.test"})
    connection.getresponse()
    process.signal(signal.SIGTERM)
    poll(5, "the listener closes", lambda: not accepts("127.0.0.1", port))
    process.signal(signal.SIGTERM)
    expect(process.wait(5) is not None, "it still runs")
    connection.close()


def start_replaceable(stage, name):
    """(port, process, pid file) of a proxy that can be replaced, from a copy of the program."""
    program = stage.folder / f"{name}-program"
    shutil.copy(stage.proxy_program, program)
    path, numbers = stage.folder / f"{name}.yaml", stage.folder / f"{name}.pid"
    path.write_text(stage.documents)
    port = free_port()
    process = Process([program, "run", "--config", path, "--listen", f"127.0.0.1:{port}", "--workers", "2",
                       "--pid-file", numbers], stage.folder / f"{name}.log")
    process.ready("127.0.0.1", port)
    poll(5, "the pid file is written", numbers.exists)
    return port, process, numbers


@promise("upgrade: the program is replaced under open connections, sessions and ports stay, nobody is refused")
def upgrade(stage):
    port, process, numbers = start_replaceable(stage, "upgraded")
    home = get(port, "address.test", "/").body
    with Client(port, stage.host) as kept:
        expect_equal(kept.get().status, 200)
        slow = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        slow.request("GET", "/slow?ms=1500", headers={"Host": "bodies.test"})
        halves = slow.getresponse()
        done = command(stage.proxy_program, "upgrade", "--pid-file", numbers)
        expect_equal(done.returncode, 0, done.stderr)
        expect(int(numbers.read_text()) != process.child.pid, "the pid file names the old process")
        expect_equal(kept.get().status, 200, "on the connection from before")
        expect_equal(get(port, "address.test", "/").body, home, "the session by address")
        expect_equal(json.loads(halves.read())["target"], "/slow?ms=1500")
        slow.close()
    expect_equal(process.wait(10), 0, "exit status of the old process")
    expect_equal(get(port, stage.host).status, 200, "after it")
    # And once more, of the process that was started by the other.
    done = command(stage.proxy_program, "upgrade", "--pid-file", numbers)
    expect_equal(done.returncode, 0, done.stderr)
    expect_equal(get(port, stage.host).status, 200, "after the second")
    os.kill(int(numbers.read_text()), signal.SIGTERM)
    poll(5, "the pid file is removed", lambda: not numbers.exists())
    process.end()


@promise("upgrade to a program that does not start, or to a bad file: 69, and the old process goes on")
def failed_upgrade(stage):
    port, process, numbers = start_replaceable(stage, "stays")
    program, config = stage.folder / "stays-program", stage.folder / "stays.yaml"
    good = config.read_text()
    config.write_text("routes:\n  - bakends: [127.0.0.1:1]\n")
    done = command(stage.proxy_program, "upgrade", "--pid-file", numbers)
    expect_equal((done.returncode, get(port, stage.host).status), (UNAVAILABLE, 200), "a bad file")
    config.write_text(good)
    for text in ("#!/bin/sh\nexit 1\n", "no program"):
        fresh = stage.folder / "fresh"
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.rename(program)
        done = command(stage.proxy_program, "upgrade", "--pid-file", numbers)
        expect_equal((done.returncode, get(port, stage.host).status), (UNAVAILABLE, 200), text)
    expect_equal(int(numbers.read_text()), process.child.pid, "the pid file")
    expect("this one goes on" in process.text(), process.text()[-500:])
    process.end()


@promise("a backend may be a host name, in the file and as an ExternalName; one without an address is a 503")
def host_names(stage):
    # A host name to all but the system's look-up, which says 127.0.0.1: no name server is needed.
    name, port = "0x7f000001", stage.ports["web"]
    documents = f"""
routes:
  - {{host: named.test, backends: ["{name}:{port}"]}}
  - {{host: lost.test, backends: ["no-such-host.invalid:{port}"]}}
---
apiVersion: v1
kind: Service
metadata: {{name: external, namespace: default}}
spec: {{type: ExternalName, externalName: "{name}"}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: external, namespace: default}}
spec:
  rules:
    - host: external.test
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {{service: {{name: external, port: {{number: {port}}}}}}}
"""
    own, process = stage.start_proxy("host-names", documents)
    expect_equal(get(own, "named.test").status, 200)
    expect_equal(get(own, "external.test").status, 200)
    expect_equal(get(own, "lost.test").status, 503)
    process.end()


@promise("systemd: sockets are taken from it, and it is told when the proxy is ready, reads again, and ends")
def service_manager(stage):
    for kind in ("/", "@"):
        name = str(stage.folder / "notify") if kind == "/" else f"@l7proxy-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
                socket.create_server(("127.0.0.1", 0)) as listener:
            manager.bind(name.replace("@", "\0"))
            manager.settimeout(10)
            port = listener.getsockname()[1]
            path = stage.folder / "activated.yaml"
            path.write_text(stage.documents)

            def hand_over():
                os.dup2(listener.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=name)
            process = Process([stage.proxy_program, "run", "--config", path, "--workers", "2",
                               "--listen", f"127.0.0.1:{port}"], stage.folder / "activated.log",
                              preexec_fn=hand_over, close_fds=False)
            expect(manager.recv(1000).startswith(b"READY=1"), "not ready")
            for _ in range(20):
                expect_equal(get(port, stage.host).status, 200)
            process.signal(signal.SIGHUP)
            told = manager.recv(1000)
            expect(told.startswith(b"RELOADING=1\nMONOTONIC_USEC="), told)
            expect(manager.recv(1000).startswith(b"READY=1"), "not ready again")
            process.signal(signal.SIGTERM)
            expect(manager.recv(1000).startswith(b"STOPPING=1"), "not stopping")
            expect_equal(process.wait(10), 0, "exit status")


@promise("a client that vanishes in the middle of a response does no harm to the others")
def vanishing_clients(stage):
    def vanish():
        with socket.create_connection(("127.0.0.1", stage.port), 10) as connection:
            connection.sendall(f"GET /large HTTP/1.1\r\nHost: {stage.host}\r\n\r\n".encode())
            connection.recv(1000)
    threads = [threading.Thread(target=vanish) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for _ in range(20):
        expect_equal(get(stage.port, stage.host, "/small").status, 200)
    expect(stage.proxy.child.poll() is None, "the proxy ended")


@promise("a bad routes file: run and check exit with 78 and name file, line and what was meant")
def bad_file(stage):
    path = stage.folder / "bad.yaml"
    path.write_text("routes:\n  - bakends: [127.0.0.1:1]\n")
    for verb in ("run", "check"):
        done = command(stage.proxy_program, verb, "--config", path, seconds=10)
        said = (done.stdout + done.stderr).decode()
        expect_equal(done.returncode, CONFIG, verb)
        expect("bad.yaml:2:5" in said and "bakends" in said and "backends" in said, verb, said)


@promise("check looks at the admin token, too: one that is too short is exit 78")
def short_token(stage):
    (stage.folder / "short.token").write_text("too short\n")
    path = stage.folder / "short-token.yaml"
    path.write_text("admin: {address: '127.0.0.1:0', tokenFile: short.token}\n---\n" + stage.documents)
    done = command(stage.proxy_program, "check", "--config", path, seconds=10)
    expect_equal(done.returncode, CONFIG)
    expect("at least 16" in done.stderr.decode(), done.stderr)


@promise("a file that is not there: exit 78")
def missing_file(stage):
    done = command(stage.proxy_program, "run", "--config", stage.folder / "absent.yaml", seconds=10)
    expect_equal(done.returncode, CONFIG)
    expect("absent.yaml" in done.stderr.decode(), done.stderr)


@promise("usage errors exit with 64")
def usage(stage):
    for arguments in (["run"], ["run", "--nonsense"], ["nonsense"], ["check"]):
        expect_equal(command(stage.proxy_program, *arguments, seconds=10).returncode, USAGE, arguments)


@promise("an address that is taken: exit 69")
def taken_address(stage):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = command(stage.proxy_program, "run", "--config", stage.folder / "proxy.yaml",
                       "--listen", f"127.0.0.1:{port}", seconds=10)
        expect_equal(done.returncode, UNAVAILABLE)
        expect(str(port) in done.stderr.decode(), done.stderr)


@promise("check accepts the documents, routes prints the table, --version and --help answer")
def informative(stage):
    path = stage.folder / "proxy.yaml"
    expect_equal(command(stage.proxy_program, "check", "--config", path).returncode, 0, "check")
    table = command(stage.proxy_program, "routes", "--config", path)
    expect_equal(table.returncode, 0, "routes")
    for word in (stage.host, "bodies.test", f"127.0.0.2:{stage.ports['bodies']}"):
        expect(word in table.stdout.decode(), "no", word, "in", table.stdout.decode())
    version = command(stage.proxy_program, "--version")
    expect(version.returncode == 0 and version.stdout.strip(), "--version", version)
    for arguments in ([], ["run"], ["check"], ["routes"], ["demo"]):
        expect_equal(command(stage.proxy_program, *arguments, "--help").returncode, 0, arguments)


@promise("--config - reads standard input")
def standard_input(stage):
    with open(stage.folder / "proxy.yaml", "rb") as documents:
        done = command(stage.proxy_program, "check", "--config", "-", stdin=documents)
    expect_equal(done.returncode, 0, done.stderr.decode()[-300:])


@promise("the project's examples pass check")
def examples(stage):
    for name in ("routes.example.yaml", "kubernetes.example.yaml"):
        done = command(stage.proxy_program, "check", "--config", ROOT / "config" / name)
        expect_equal(done.returncode, 0, name + " " + (done.stdout + done.stderr).decode()[-300:])


@promise("the demo serves its page and answers with a cookie that sticks")
def demo(stage):
    port = free_port()
    process = Process([stage.proxy_program, "demo", "--port", port], stage.folder / "demo.log")
    process.ready("127.0.0.1", port)
    answer = get(port, "localhost")
    expect_equal(answer.status, 200)
    expect(b"<html" in answer.body.lower(), answer.body[:200])
    process.signal(signal.SIGTERM)
    expect_equal(process.wait(10), 0, "exit status")
    expect("curl" in process.text(), "no line to try in", process.text()[-300:])
