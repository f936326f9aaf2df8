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


def bad_backend(answer):
    """A backend that takes every connection and treats it badly, in the place of the third."""
    def harm(stage):
        stage.backends[2].kill()
        listener = socket.create_server(("127.0.0.1", stage.backends[2].port), backlog=512)
        listener.settimeout(0.2)
        held, isOver = [], threading.Event()

        def serve():
            while not isOver.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                try:
                    if b"/bytes/2 " in connection.recv(4096):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")   # the check
                    else:
                        connection.sendall(answer)
                except OSError:
                    pass
                held.append(connection)
                if answer:
                    held.pop().close()
        thread = threading.Thread(target=serve)
        thread.start()
        time.sleep(stage.some(8))
        isOver.set()
        thread.join()
        listener.close()
        for connection in held:
            connection.close()
        stage.backends[2].start()
    return harm


for _name, _sentence, _answer in (
        ("garbage", "one of three backends answers garbage", b"\x00\x01garbage\r\n\r\n"),
        ("half", "one of three backends answers half a head and closes", b"HTTP/1.1 200 OK\r\nContent-Le"),
        ("never", "one of three backends never answers", b"")):
    _harm = bad_backend(_answer)
    _harm.__name__ = _name
    scenario(_sentence, conns=32)(_harm)


@scenario("the access log's disk is full", log="/dev/full", conns=32)
def disk(stage):
    time.sleep(stage.some(3))
