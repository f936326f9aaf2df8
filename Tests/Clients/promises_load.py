"""Load generators: not one request may fail."""
import re

from harness import command, expect, expect_equal, promise
from http_client import get_ok
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
