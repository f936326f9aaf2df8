"""Load generators: not one request may fail."""
import os
import re
import resource
import socket
import time

from harness import Process, command, expect, expect_equal, free_ports, poll, promise
from http_client import get, get_ok
from stage import COOKIE


@promise("ab: 20,000 requests over kept-alive and 3,000 over new connections without a failure", seconds=120)
def ab(stage):
    for options, count in ((["-k", "-c", "50"], 20_000), (["-c", "20"], 3_000)):
        done = command("ab", "-q", *options, "-n", count, "-H", f"Host: {stage.host}",
                       f"http://127.0.0.1:{stage.port}/small", seconds=100)
        report = done.stdout.decode()
        expect(done.returncode == 0, done.stderr.decode()[-300:])
        number = lambda name: int(re.search(rf"{name}:\s+(\d+)", report)[1])  # noqa: E731
        expect_equal((number("Complete requests"), number("Failed requests")), (count, 0))
        expect("Non-2xx" not in report, re.search(r"Non-2xx.*", report))


@promise("wrk: three seconds of 64 sticky clients without a failure", seconds=60)
def wrk(stage):
    cookie = get_ok(stage.port, stage.host).cookie(COOKIE)
    done = command("wrk", "-t2", "-c64", "-d3s", "-H", f"Host: {stage.host}", "-H", f"Cookie: {cookie}",
                   f"http://127.0.0.1:{stage.port}/small", seconds=30)
    report = done.stdout.decode()
    expect(done.returncode == 0, done.stderr.decode()[-300:])
    expect(int(re.search(r"(\d+) requests in", report)[1]) > 1000, report)
    expect("Socket errors" not in report and "Non-2xx" not in report, report)


def resident(process):
    """Bytes."""
    with open(f"/proc/{process.child.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@promise("limits.memory makes new clients wait while slow readers fill it, and they are served when those have gone")
def memory(stage):
    documents = stage.documents + "\n---\nworkers: 2\n"
    port, process = stage.start_proxy("memory-limit", documents)
    # More than what two workers may keep for later, 5 MB each.
    limit = resident(process) + 16_000_000
    process.end()
    port, process = stage.start_proxy("memory-limit", documents + f"limits: {{memory: {limit}}}\n")
    request = f"GET /large HTTP/1.1\r\nHost: {stage.host}\r\n\r\n".encode()
    readers = []
    try:
        while "limits.memory" not in process.text():
            expect(len(readers) < 1000, "1,000 readers are all taken")
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", port))
            reader.sendall(request)
            readers.append(reader)
            time.sleep(0.005)
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(f"GET /small HTTP/1.1\r\nHost: {stage.host}\r\n\r\n".encode())
            client.settimeout(0.5)
            try:
                expect(False, "a client did not wait:", client.recv(100))
            except TimeoutError:
                pass
            # The clients that are there may go on; new ones are what the limit is for.
            expect(resident(process) < limit + 32_000_000, resident(process), limit)
            for reader in readers:
                reader.close()
            client.settimeout(15)
            expect(client.recv(100).startswith(b"HTTP/1.1 200 "), "the client that waited is served")
    finally:
        for reader in readers:
            reader.close()
    process.end()


@promise("descriptors that have run out at two listeners reset clients at both, and end nothing")
def exhausted(stage):
    path = stage.folder / "exhausted.yaml"
    path.write_text(stage.documents + "\n---\nworkers: 1\n")
    ports = free_ports(2)
    listening = [word for port in ports for word in ("--listen", f"127.0.0.1:{port}")]
    process = Process([stage.proxy_program, "run", "--config", path, "--admin", "off", *listening],
                      stage.folder / "exhausted.log").ready("127.0.0.1", ports[0])
    number = process.child.pid
    _, most = resource.prlimit(number, resource.RLIMIT_NOFILE)
    open_count = len(os.listdir(f"/proc/{number}/fd"))
    resource.prlimit(number, resource.RLIMIT_NOFILE, (open_count, most))
    held = []
    try:
        # More at the first than at the second: each listener counts for itself.
        for port in (ports[0], ports[0], ports[1]):
            poll(10, "a client is reset", lambda: is_reset(port, held))
    finally:
        for client in held:
            client.close()
    resource.prlimit(number, resource.RLIMIT_NOFILE, (most, most))
    for port in ports:
        poll(10, "clients are served again", lambda: get(port, stage.host).status == 200)
    process.end()


def is_reset(port, held):
    """Whether a client is turned away at once; one that is not is held."""
    try:
        client = socket.create_connection(("127.0.0.1", port), 5)
        held.append(client)
        client.settimeout(0.5)
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
