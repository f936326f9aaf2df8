"""What the promises stand on: free ports, processes that are always ended, deadlines, a runner."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = "/usr/bin/python3"     # Debian's: the one that has the websockets library


class Broken(Exception):
    """A promise that does not hold; the text says what was seen instead."""


def expect(holds, *seen):
    if not holds:
        raise Broken(" ".join(str(part) for part in seen) or "does not hold")


def expect_equal(found, wanted, what=""):
    expect(found == wanted, f"{what}: found" if what else "found", repr(found), "wanted", repr(wanted))


def poll(seconds, what, attempt):
    """The first true result of `attempt`, asked again until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        result = attempt()
        if result:
            return result
        expect(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port(*addresses):
    """A port that is free at all of these addresses."""
    addresses = addresses or ("127.0.0.1",)
    for _ in range(50):
        held = [socket.create_server((addresses[0], 0))]
        port = held[0].getsockname()[1]
        try:
            held += [socket.create_server((address, port)) for address in addresses[1:]]
            return port
        except OSError:
            continue
        finally:
            for each in held:
                each.close()
    raise Broken(f"no port is free at {addresses}")


def free_ports(count):
    """Ports of 127.0.0.1, each another."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def accepts(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


class Process:
    """A program in a process group of its own, so that what it started can be ended with it."""

    all = []

    def __init__(self, arguments, log, **options):
        self.log = Path(log)
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, **options)
        Process.all.append(self)

    def ready(self, address, port, seconds=15):
        def attempt():
            expect(self.child.poll() is None, f"ended with {self.child.returncode}:", self.text()[-600:])
            return accepts(address, port)
        poll(seconds, f"{self.child.args[0]} listens on {address}:{port}", attempt)
        return self

    def text(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, seconds):
        """The exit status; None when the deadline passed."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, number)
            except ProcessLookupError:
                break
            if self.wait(2) is not None and number == signal.SIGTERM:
                continue        # its group may hold others: they get the second signal
        self.child.wait()


def command(*arguments, seconds=60, **options):
    """Runs a program to its end, within a time limit."""
    options = {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run([str(a) for a in arguments], capture_output=True, timeout=seconds, **options)


class Runner:
    """Runs promises in the order in which they are written, and counts."""

    def __init__(self):
        self.promises = []
        self.passed = self.failed = 0

    def promise(self, sentence, seconds=60):
        def register(function):
            self.promises.append((sentence, seconds, function))
            return function
        return register

    def run(self, stage_of, only=""):
        def out_of_time(*_):
            raise Broken("out of time")

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGALRM, out_of_time)
        with tempfile.TemporaryDirectory(prefix="l7proxy-clients-") as folder:
            # nginx drops root for its workers, which must still reach the files.
            os.chmod(folder, 0o755)
            try:
                stage = stage_of(Path(folder))
                for sentence, seconds, function in self.promises:
                    if only.lower() in sentence.lower():
                        self.check(sentence, seconds, function, stage)
            finally:
                signal.alarm(0)
                for process in reversed(Process.all):
                    process.end()
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed == 0 and self.passed > 0

    def check(self, sentence, seconds, function, stage):
        begun = time.monotonic()
        signal.alarm(seconds)
        try:
            function(stage)
        except Exception as error:
            self.failed += 1
            print(f"FAILED {sentence}: {error}", flush=True)
            if not isinstance(error, Broken):
                traceback.print_exc(file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok     {sentence} ({time.monotonic() - begun:.1f} s)", flush=True)
        finally:
            signal.alarm(0)


runner = Runner()
promise = runner.promise
