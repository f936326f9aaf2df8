"""What the admin listener promises to operators, their tools and their scrapers."""
import json
import re
import time
import urllib.error
import urllib.request

from harness import Process, command, expect, expect_equal, free_port, poll, promise
from http_client import get
from stage import NODES

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


class Operator:
    """A proxy of its own with an admin listener, and questions to it."""

    def __init__(self, stage, name, extra="", settings=""):
        self.stage, self.port, self.admin = stage, free_port(), free_port()
        backends = ", ".join(f"{{address: '{a}:{stage.ports['bodies']}', name: {n}}}" for n, a in NODES.items())
        path = stage.folder / f"{name}.yaml"
        path.write_text(f"""
listeners: [{{address: '127.0.0.1:{self.port}'}}]
admin: {{address: '127.0.0.1:{self.admin}'{extra}}}
services: {{shop: {{backends: [{backends}]}}}}
routes:
  - {{path: /, service: shop, annotations: {{affinity: client-ip}}}}
  - {{path: /any, service: shop}}
{settings}
""")
        self.process = Process([stage.proxy_program, "run", "--config", path], stage.folder / f"{name}.log")
        self.process.ready("127.0.0.1", self.port)
        poll(15, "readiness", lambda: self.ask("/readyz")[0] == 200)

    def ask(self, target, method="GET", **headers):
        """(status, text) of an answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{target}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def tell(self, *words):
        return command(self.stage.proxy_program, *words, "--admin", f"127.0.0.1:{self.admin}", seconds=20)


def strict_metrics(text):
    """Families by name, as the format demands them: HELP, TYPE, samples together, no sample twice."""
    kinds, seen, family = {}, {}, None
    expect(text.endswith("\n"), "the last line is not ended")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            expect(family not in kinds, family, "begins twice")
            kinds[family] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            expect(name == family and kind in ("counter", "gauge", "histogram"), line)
            kinds[family] = kind
        else:
            match = SAMPLE.fullmatch(line)
            expect(match, "no sample:", line)
            name = match[1]
            ends = ("_bucket", "_sum", "_count") if kinds[family] == "histogram" else ("",)
            expect(name in [family + end for end in ends], name, "stands in", family)
            expect((name, match[2]) not in seen, "twice:", line)
            seen[name, match[2]] = float(match[3])
    for name, kind in kinds.items():
        expect(kind != "counter" or name.endswith("_total"), name, "is a counter")
    return seen


@promise("metrics can be scraped: the format to the letter, and the numbers of known traffic")
def metrics(stage):
    operator = Operator(stage, "metrics")
    before = strict_metrics(operator.ask("/metrics")[1])
    for _ in range(5):
        expect_equal(get(operator.port, "a.test", "/small").status, 200)
    key = ("l7proxy_requests_total", 'route="*/",service="shop",code="2xx"')
    after = {}

    def is_counted():       # the last request is counted behind its answer
        after.update(strict_metrics(operator.ask("/metrics")[1]))
        return after[key] - before[key] >= 5
    poll(10, "five requests in the metrics", is_counted)
    expect_equal(after[key] - before[key], 5)
    # Nothing that was there goes, and no counter falls.
    for name, labels in before:
        expect((name, labels) in after, name, labels, "is gone")
        if name.endswith(("_total", "_bucket", "_count")):
            expect(after[name, labels] >= before[name, labels], name, labels, "fell")


@promise("sessions, backend and explain ask the running process")
def commands(stage):
    operator = Operator(stage, "orders")
    expect_equal(get(operator.port, "a.test", "/small").status, 200)
    sessions = operator.tell("sessions")
    lines = sessions.stdout.decode().splitlines()
    expect_equal(lines[0].split(), ["pro", "expire", "state", "source", "virtual", "destination"])
    expect_equal(lines[1].split()[3:5], ["127.0.0.1:0", "shop"])
    home = lines[1].split()[5]
    done = operator.tell("explain", "--url", f"http://127.0.0.1:{operator.port}/")
    expect(done.returncode == 0 and f"choice     {home}" in done.stdout.decode(), done)
    expect_equal(operator.tell("backend", "down", home).returncode, 0)
    done = operator.tell("explain", "--url", "http://a.test/")
    expect("client-ip: down" in done.stdout.decode(), done)
    states = {b["name"]: b["state"] for b in json.loads(operator.ask("/api/backends")[1])["backends"]}
    expect_equal(states, {name: "down" if name == home else "ready" for name in NODES})
    expect_equal(operator.tell("backend", "down", "nobody").returncode, 1)
    expect_equal(operator.tell("backend", "sideways", home).returncode, 64)
    operator.process.signal(15)
    operator.process.wait(10)
    expect_equal(operator.tell("sessions").returncode, 69)


@promise("a listener with a token answers nobody else, and the commands know it")
def token(stage):
    secret = stage.folder / "admin.token"
    secret.write_text("0123456789abcdef0123\n")
    operator = Operator(stage, "token", f", tokenFile: {secret}")
    expect_equal(operator.ask("/metrics")[0], 401)
    expect_equal(operator.ask("/readyz"), (200, "ready\n"))
    expect_equal(operator.ask("/metrics", Authorization="Bearer 0123456789abcdef0123")[0], 200)
    expect_equal(operator.tell("sessions").returncode, 77)
    expect_equal(operator.tell("sessions", "--token-file", secret).returncode, 0)


@promise("until preStop is over clients are served, and not one is reset when the listeners close")
def pre_stop(stage):
    operator = Operator(stage, "pre-stop", settings="timeouts: {preStop: 1s}")
    begun = time.monotonic()
    operator.process.signal(15)
    try:
        while True:
            expect_equal(get(operator.port, "a.test", "/small").status, 200)
    except ConnectionRefusedError:
        expect(time.monotonic() - begun > 0.9, "the listeners closed before preStop was over")
    expect_equal(operator.process.wait(10), 0, "exit status")


@promise("readiness ends with SIGTERM, while the listeners still serve")
def readiness(stage):
    operator = Operator(stage, "readiness", settings="timeouts: {preStop: 20s}")
    expect_equal(operator.ask("/readyz"), (200, "ready\n"))
    operator.process.signal(15)
    while operator.ask("/readyz")[0] == 200:
        pass
    expect_equal(operator.ask("/readyz"), (503, "draining\n"))
    expect_equal(get(operator.port, "a.test", "/small").status, 200)
    operator.process.signal(15)
    expect_equal(operator.process.wait(10), 0, "exit status")
