"""The access log as its readers meet it: a JSON parser, a rotation, a disk that is full."""
import json
import os
import re
import signal
import socket

from harness import Process, command, expect, expect_equal, free_port, poll, promise
from http_client import get
from stage import ingress_and_service

HOSTILE = [
    b'GET /"><script> HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET /%22%0d%0a HTTP/1.1\r\nHost: x\r\nUser-Agent: a","status":200,"x":"\r\n\r\n',
    b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\xc3\x28 \\ \\u0000 \xe2\x80\xa8\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nReferer: " + b"\xf0\x9f\x98\x80" * 700 + b"\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"M" * 60 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
]


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def logged(stage, name, log="json", path=None, more=""):
    path = path or stage.folder / f"{name}.access"
    port, process = stage.start_proxy(
        name, stage.documents + f"\n---\naccessLog: {{format: {log}, path: {path}}}\n{more}\n")
    return port, process, path


@promise("access log: whatever clients send, each line is JSON with the same members")
def hostile(stage):
    port, process, path = logged(stage, "log-hostile")
    for request in HOSTILE:
        ask(port, request)
    expect_equal(get(port, stage.host).status, 200)
    poll(10, "the lines are written", lambda: len(path.read_bytes().splitlines()) == len(HOSTILE) + 1)
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    members = set(records[-1])
    for record in records:
        expect_equal(set(record), members, record)
    # Of two workers one may be written before the other.
    good = next(record for record in records if record["host"] == stage.host)
    expect_equal((good["status"], good["end"], good["tries"]), (200, "complete", 1))
    expect('a","status":200,"x":"' in [record["user_agent"] for record in records], records)
    expect("/" + "a" * 2047 + "…" in [record["target"] for record in records], "a target that was cut")
    process.end()


@promise("access log: what it says is what the client and the backend saw")
def truthful(stage):
    port, process, path = logged(stage, "log-true")
    answers = [get(port, stage.host, f"/?{number}") for number in range(20)]
    process.signal(signal.SIGTERM)
    expect_equal(process.wait(10), 0, "exit status")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    expect_equal(len(records), 20, "lines")
    # Of two workers one may be written before the other.
    records.sort(key=lambda record: int(record["target"][2:]))
    for number, (answer, record) in enumerate(zip(answers, records)):
        expect_equal(record["target"], f"/?{number}")
        expect_equal((record["status"], record["response_bytes"]), (answer.status, len(answer.body)))
        expect_equal((record["affinity"], record["reason"]), ("cookie", "new"))
        expect(re.fullmatch(r"127\.0\.0\.[12]:\d+", record["backend"]), record["backend"])
        expect(record["duration_ms"] >= 0, record)


@promise("access log: combined is what goaccess and its like read")
def combined(stage):
    port, process, path = logged(stage, "log-combined", "combined")
    get(port, stage.host, "/?a", **{"User-Agent": "x\"y"})
    poll(10, "a line is written", lambda: path.read_text().endswith("\n"))
    form = r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /\?a HTTP/1\.1" 200 \d+ "-" "x\\x22y"\n'
    expect(re.fullmatch(form, path.read_text()), path.read_text())
    process.end()


@promise("access log: no line is lost when it is rotated with SIGUSR1 under traffic")
def rotated(stage):
    port, process, path = logged(stage, "log-rotated")
    count = 0
    for turn in range(5):
        for _ in range(40):
            expect_equal(get(port, stage.host, f"/?{count}").status, 200)
            count += 1
        path.rename(path.with_suffix(f".{turn}"))
        process.signal(signal.SIGUSR1)
        poll(10, "there is a new file", path.exists)
    process.signal(signal.SIGTERM)
    expect_equal(process.wait(10), 0, "exit status")
    files = [path.with_suffix(f".{turn}") for turn in range(5)] + [path]
    targets = [json.loads(line)["target"] for each in files for line in each.read_text().splitlines()]
    expect_equal(sorted(targets), sorted(f"/?{number}" for number in range(count)))


@promise("access log: a full disk, and a pipe that nobody reads, hold up no request", 120)
def stuck(stage):
    pipe = stage.folder / "log-stuck.pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for name, path in (("log-full", "/dev/full"), ("log-stuck", pipe)):
        # Longer lines than fit anywhere: 2000 times 2 KiB, where each worker keeps a megabyte.
        port, process, _ = logged(stage, name, path=path, more="workers: 2")
        result = command("ab", "-q", "-k", "-c", "8", "-n", "2000", "-H", f"Host: {stage.host}",
                         f"http://127.0.0.1:{port}/?{'a' * 2000}")
        text = result.stdout.decode()
        expect("Complete requests:      2000" in text, text, result.stderr.decode())
        expect("Non-2xx" not in text and re.search(r"Failed requests: +0\b", text), text)
        poll(15, "the loss is told", lambda: "the access log has lost" in process.text())
        process.signal(signal.SIGTERM)
        expect_equal(process.wait(10), 0, "exit status")
    os.close(reader)


def behind_shell(stage, name, redirection, *options):
    """(port, process) of a proxy whose standard error goes where the shell sends it."""
    config = stage.folder / f"{name}.yaml"
    config.write_text(stage.documents)
    port = free_port()
    words = [stage.proxy_program, "run", "--config", config, "--listen", f"127.0.0.1:{port}", *options]
    process = Process(["sh", "-c", f'exec "$@" {redirection}', "sh", *words], stage.folder / f"{name}.log")
    return port, process.ready("127.0.0.1", port)


def waiting(reader):
    """What waits in a pipe."""
    try:
        return os.read(reader, 1 << 20)
    except BlockingIOError:
        return b""


@promise("error log: a pipe that nobody reads holds up nothing, and what was lost is said")
def stuck_errors(stage):
    pipe = stage.folder / "stderr.pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    port, process = behind_shell(stage, "stuck-errors", f"2>{pipe}")
    poll(10, "it says that it is ready", lambda: b"ready, listening" in waiting(reader))
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    config = stage.folder / "stuck-errors.yaml"
    for turn in range(3):
        # A backend without an answer, a file with an error, one that is good: each has its lines.
        for _ in range(5):
            expect_equal(get(port, "refused.test").status, 502)
        config.write_text(stage.documents + f"\n---\nunknown{turn}: 1\n")
        process.signal(signal.SIGHUP)
        expect_equal(get(port, stage.host).status, 200)
        config.write_text(stage.documents + ingress_and_service(f"turn{turn}", stage.ports["web"]))
        process.signal(signal.SIGHUP)
        poll(10, "the reload is done", lambda: get(port, f"turn{turn}.test").status == 200)
    while waiting(reader):
        pass
    process.signal(signal.SIGUSR1)
    text = b""

    def said():
        nonlocal text
        text += waiting(reader)
        return b"logs reopened" in text
    poll(10, "the next line is written", said)
    expect(re.search(rb"warning: \d+ lines of this log are lost: nobody read them\n", text), text)
    process.signal(signal.SIGTERM)
    expect_equal(process.wait(10), 0, "exit status")
    os.close(reader)
    os.close(writer)


@promise("error log: closed standard streams are nobody's: what is opened later is not written the log")
def closed_errors(stage):
    port, process = behind_shell(stage, "closed-errors", "0<&- 1>&- 2>&-")
    expect_equal(get(port, stage.host).status, 200)
    for number in range(3):
        expect_equal(os.readlink(f"/proc/{process.child.pid}/fd/{number}"), "/dev/null", f"descriptor {number}")
    process.signal(signal.SIGTERM)
    expect_equal(process.wait(10), 0, "exit status")
