"""What goes wrong, one function each: it does the harm while the clients run, and says what else is to be known."""
import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

SCENARIOS = []


@dataclass
class Scenario:
    name: str
    sentence: str
    harm: object
    clients: dict = field(default_factory=dict)
    log: str = None
    prefix: tuple = ()
    badAnswer: bytes = None         # the third backend's to every request

    @property
    def isReplaced(self):
        return self.name in ("replace", "tunnels")


def scenario(sentence, log=None, prefix=(), **clients):
    def register(function):
        SCENARIOS.append(Scenario(function.__name__, sentence, function, clients, log, prefix))
        return function
    return register


@scenario("a backend is killed (-9) and started again, 5 times", conns=32)
def kill(stage):
    for _ in stage.times(5):
        stage.backends[0].kill()
        time.sleep(1)
        stage.backends[0].start()
        time.sleep(1)


@scenario("a backend is frozen (SIGSTOP) for 4 seconds, twice", conns=32)
def freeze(stage):
    for _ in stage.times(2):
        stage.backends[1].send(signal.SIGSTOP)
        time.sleep(4)
        stage.backends[1].send(signal.SIGCONT)
        time.sleep(stage.some(2))


@scenario("three backends are restarted one after the other, 1 s each, with health checks", conns=32)
def roll(stage):
    for backend in stage.backends:
        backend.kill(signal.SIGTERM)
        time.sleep(1)
        backend.start()
        time.sleep(stage.some(2) + 0.5)


@scenario("100 reloads with a changed file, and 1,000 open WebSockets", conns=16, ws=1000)
def reload(stage):
    for _ in stage.times(100):
        stage.proxy.reload()
        time.sleep(0.15)
    return f"{stage.proxy.resident_megabytes():.0f} MB"


@scenario("the program is replaced 10 times", conns=32)
def replace(stage):
    for _ in stage.times(10):
        stage.proxy.replace()
        time.sleep(0.3)


@scenario("the program is replaced 10 times, with 1,000 open WebSockets", conns=16, ws=1000)
def tunnels(stage):
    replace(stage)


@scenario("the proxy is told to end under load", conns=32, leaves=1)
def term(stage):
    time.sleep(stage.some(3))
    seconds = stage.proxy.stop(stage.proxy.quit_signal)
    return "did not end in 40 s" if seconds is None else f"ended after {seconds:.1f} s"


@scenario("256 descriptors, 1,000 clients, and then 50", conns=50, fresh=4,
          prefix=("sh", "-c", 'ulimit -n 256; exec "$@"', "sh"))
def descriptors(stage):
    crowd = stage.client(conns=1000, fresh=100, requests=0)
    time.sleep(stage.some(5))
    stage.others.append(crowd.finish())


@scenario("5,000 idle connections besides the load", conns=32, idle=5000)
def idle(stage):
    time.sleep(stage.some(3))
    return f"{stage.proxy.resident_megabytes():.0f} MB"


class BadBackend:
    """Takes every connection, passes its checks, and treats requests badly."""

    def __init__(self, answer):
        self.answer, self.harmed, self.held = answer, 0, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:         # closed
                return
            try:
                connection.settimeout(1)
                self.treat(connection)
            except OSError:
                pass

    def treat(self, connection):
        if b"/bytes/2 " in connection.recv(4096):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")     # the check
            return connection.close()
        self.harmed += 1
        if not self.answer:
            return self.held.append(connection)
        connection.sendall(self.answer)
        connection.close()

    def send(self, number):
        """Signals are for processes."""

    def kill(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for each in (self.listener, *self.held):
            each.close()


def suffer(stage):
    """The third backend is bad from the start: one that came later would be out already, because
    connections were refused before it was there, and nobody would meet what it does."""
    time.sleep(stage.some(8))
    harmed = stage.backends[2].harmed
    if not harmed:
        raise RuntimeError("the bad backend was never asked")
    return f"asked {harmed} times"


for _name, _sentence, _answer in (
        ("garbage", "one of three backends answers garbage", b"\x00\x01garbage\r\n\r\n"),
        ("half", "one of three backends answers half a head and closes", b"HTTP/1.1 200 OK\r\nContent-Le"),
        ("never", "one of three backends never answers", b"")):
    SCENARIOS.append(Scenario(_name, _sentence, suffer, {"conns": 32}, badAnswer=_answer))


@scenario("the access log's disk is full", log="/dev/full", conns=32)
def disk(stage):
    time.sleep(stage.some(3))
