"""One scenario about host names, in namespaces of its own: a name server that does what it is told,
where every program of this machine would ask one, and a proxy whose backends are called app.test.

    unshare --mount --net names_lab.py SCENARIO PROXY FOLDER
"""
import ctypes
import fcntl
import http.server
import os
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

from harness import Broken, Process, expect, expect_equal, free_port, poll
from http_client import get

MOUNT_BIND = 4096
NO_ERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class NameServer(threading.Thread):
    """Answers A questions about every name with the same addresses, or as `status` says."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.bind(("127.0.0.1", 53))
        self.addresses, self.status, self.is_silent, self.turns = [], NO_ERROR, False, False
        self.asked = 0
        self.start()

    def run(self):
        while True:
            question, client = self.wire.recvfrom(512)
            self.asked += 1
            if not self.is_silent:
                self.wire.sendto(self.answer(question), client)

    def answer(self, question):
        """RFC 1035 §4.1: the question again, and behind it what it asks for."""
        end = question.index(0, 12) + 5
        is_ipv4 = question[end - 4:end - 2] == b"\0\1"
        found = self.addresses if is_ipv4 and self.status == NO_ERROR else []
        if self.turns:
            self.addresses = self.addresses[1:] + self.addresses[:1]
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | self.status, 1, len(found), 0, 0)
        return head + question[12:end] + b"".join(
            b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) for address in found)


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.server.server_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Lab:
    def __init__(self, program, folder, patience):
        self.program, self.folder = program, Path(folder)
        self.make_private(patience)
        self.names = NameServer()
        self.port, self.backend_port = free_port(), free_port()
        for number in (1, 2, 3):
            server = http.server.ThreadingHTTPServer((f"127.0.0.{number}", self.backend_port), Backend)
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def make_private(self, patience):
        """A resolv.conf of our own, where a look-up takes so many seconds at most."""
        libc = ctypes.CDLL(None, use_errno=True)
        for name, text in (("resolv.conf", f"nameserver 127.0.0.1\noptions timeout:{patience} attempts:1\n"),
                           ("nsswitch.conf", "hosts: files dns\n")):
            own = self.folder / name
            own.write_text(text)
            code = libc.mount(str(own).encode(), f"/etc/{name}".encode(), None, MOUNT_BIND, None)
            expect_equal(code, 0, f"a mount over /etc/{name}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            fcntl.ioctl(wire, 0x8914, struct.pack("16sh22x", b"lo", 1))     # SIOCSIFFLAGS, IFF_UP

    def start(self):
        routes = self.folder / "routes.yaml"
        routes.write_text(f"""
admin: off
resolver: {{interval: 1s}}
routes:
  - backends: ["app.test:{self.backend_port}"]
    annotations: {{affinity: cookie, affinity-mode: persistent, session-cookie-name: s}}
""")
        self.proxy = Process([self.program, "run", "--config", routes, "--listen", f"127.0.0.1:{self.port}",
                              "--pid-file", self.folder / "pid"], self.folder / "log")
        return self.proxy.ready("127.0.0.1", self.port)

    def get(self, cookie=""):
        return get(self.port, "app.test", cookie=cookie)

    def serving(self):
        """The backends that clients without a session meet."""
        found = set()
        for _ in range(12):
            answer = self.get()
            expect_equal(answer.status, 200)
            found.add(answer.body.decode())
        return found

    def logged(self, words, count=1):
        poll(8, f"the log says {words!r}: {self.proxy.text()[-400:]}",
             lambda: self.proxy.text().count(words) >= count)


def change(lab):
    """Addresses come and go, and a session stays with one that stays."""
    lab.names.addresses = ["127.0.0.2"]
    lab.start()
    first = lab.get()
    cookie = first.cookie("s")
    for addresses in (["127.0.0.3", "127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.3"]):
        lab.names.addresses = addresses
        poll(8, f"{addresses} serve", lambda: lab.serving() == set(addresses))
        answer = lab.get(cookie)
        expect_equal((answer.body, answer.cookie("s")), (b"127.0.0.2", ""))
    lab.names.turns = True
    asked = lab.names.asked
    poll(8, "three more answers", lambda: lab.names.asked >= asked + 6)
    expect_equal(lab.proxy.text().count("host app.test is at"), 3, lab.proxy.text())


def failure(lab):
    """Whatever a name server does wrong, the last good answer serves."""
    lab.names.addresses = ["127.0.0.1", "127.0.0.3"]
    lab.start()
    stays = ": it stays at 127.0.0.1, 127.0.0.3"
    for number, (status, addresses, silent) in enumerate((
            (SERVFAIL, [], False), (NO_ERROR, ["127.0.0.1", "127.0.0.3"], False),
            (NXDOMAIN, [], False), (NO_ERROR, [], False), (NO_ERROR, [], True))):
        lab.names.status, lab.names.addresses, lab.names.is_silent = status, addresses, silent
        if addresses:
            lab.logged("host app.test can be looked up again")
        else:
            asked = lab.names.asked
            poll(8, "it is asked", lambda: lab.names.asked >= asked + 2)
        expect_equal(lab.serving(), {"127.0.0.1", "127.0.0.3"}, number)
    lab.logged(stays, 2)
    lab.names.is_silent, lab.names.addresses = False, ["127.0.0.2"]
    poll(8, "the next good answer serves", lambda: lab.serving() == {"127.0.0.2"})


def hanging(lab):
    """A name server that says nothing holds up neither an upgrade nor an end."""
    lab.names.addresses = ["127.0.0.1"]
    lab.start()
    expect_equal(lab.serving(), {"127.0.0.1"})
    lab.names.is_silent = True
    asked = lab.names.asked
    poll(8, "a look-up hangs", lambda: lab.names.asked > asked)
    old = (lab.folder / "pid").read_text()
    lab.proxy.signal(signal.SIGUSR2)
    poll(15, "another process serves", lambda: (lab.folder / "pid").read_text() not in ("", old))
    poll(8, "the old one ends", lambda: lab.proxy.child.poll() is not None)
    # It was told the addresses, and has found none itself.
    expect_equal(lab.serving(), {"127.0.0.1"})
    successor = int((lab.folder / "pid").read_text())
    os.kill(successor, signal.SIGTERM)
    poll(8, "the other ends", lambda: has_ended(successor))
    expect("cannot be looked up" not in lab.proxy.text(), "no look-up was over:", lab.proxy.text())


def has_ended(process):
    """Gone, or a zombie: whoever should bury it may not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def start(lab):
    """Without a name server the proxy starts all the same, and serves when there is one."""
    lab.names.is_silent = True
    lab.start()
    expect_equal(lab.get().status, 503)
    lab.logged("it has no backends until it can")
    lab.names.is_silent, lab.names.addresses = False, ["127.0.0.3"]
    poll(8, "it serves", lambda: lab.get().status == 200)
    lab.proxy.signal(signal.SIGTERM)
    expect_equal(lab.proxy.wait(8), 0)


def out_of_time(*_):
    raise Broken("out of time")


if __name__ == "__main__":
    # Nobody else knows what this process has started.
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(45)
    name, program, folder = sys.argv[1:]
    scenario = {"change": change, "failure": failure, "hanging": hanging, "start": start}[name]
    try:
        scenario(Lab(program, folder, 30 if scenario is hanging else 1))
    finally:
        for process in Process.all:
            process.end()
