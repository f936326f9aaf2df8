"""Who stays where: the affinity cookie and sessionAffinity: ClientIP."""
import calendar
import collections
import concurrent.futures
import re
import time

from harness import expect, expect_equal, promise
from http_client import Client, get_ok
from stage import COOKIE

LINE = re.compile(
    COOKIE + r"=([A-Za-z0-9_-]{20,200}); "
    r"Expires=((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d\d"
    r" \d\d:\d\d:\d\d GMT); Max-Age=172800; Path=/; HttpOnly")


def new_client(stage):
    answer = get_ok(stage.port, stage.host)
    return answer.cookie(COOKIE), answer.backend


@promise("a new client's Set-Cookie line is, byte for byte, the one of ingress-nginx")
def set_cookie_line(stage):
    before = int(time.time())
    lines = get_ok(stage.port, stage.host).values("Set-Cookie")
    after = int(time.time())
    expect_equal(len(lines), 1, "Set-Cookie lines")
    match = LINE.fullmatch(lines[0])
    expect(match, lines[0])
    stamp = time.strptime(match[2], "%a, %d-%b-%y %H:%M:%S GMT")
    expires = calendar.timegm(stamp)
    # The coarse clock of a loop may lag a second behind.
    expect(before - 1 <= expires - 172800 <= after, "Expires is", expires - before, "s from now")
    expect_equal(time.strftime("%a", stamp), match[2][:3], "the weekday of that date")


@promise("1,000 requests with one cookie stay on one backend, over 100 connections")
def thousand_requests(stage):
    cookie, backend = new_client(stage)

    def visit(_):
        with Client(stage.port, stage.host) as client:
            return [client.get("/small", cookie) for _ in range(10)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [answer for visit in pool.map(visit, range(100)) for answer in visit]
    expect_equal(len(answers), 1000)
    expect_equal(collections.Counter((a.status, a.backend) for a in answers), {(200, backend): 1000})
    expect_equal(sum(len(a.values("Set-Cookie")) for a in answers), 0, "cookies issued again")


@promise("300 clients without a cookie are spread over both backends, each with a cookie of its own")
def three_hundred_clients(stage):
    clients = [new_client(stage) for _ in range(300)]
    spread = collections.Counter(backend for _, backend in clients)
    expect(set(spread) == {"a", "b"} and min(spread.values()) >= 100, dict(spread))
    expect_equal(len({cookie for cookie, _ in clients}), 300, "different cookies")
    for cookie, backend in clients[:40]:
        expect_equal(get_ok(stage.port, stage.host, cookie=cookie).backend, backend, "backend on return")


@promise("a cookie that was tampered with binds nobody: the client is served, and gets a new one")
def forged_cookie(stage):
    cookie, _ = new_client(stage)
    for position in (len(COOKIE) + 1, len(cookie) // 2, len(cookie) - 2):
        flipped = "A" if cookie[position] != "A" else "B"
        answer = get_ok(stage.port, stage.host, cookie=cookie[:position] + flipped + cookie[position + 1:])
        expect(answer.cookie(COOKIE), "no new cookie after a change at", position)
    for junk in (f"{COOKIE}=", f"{COOKIE}=garbage", f"{COOKIE}=" + "A" * 4000, f"{COOKIE}; {COOKIE}=%00"):
        expect(get_ok(stage.port, stage.host, cookie=junk).cookie(COOKIE), "no new cookie for", junk[:40])


@promise("the cookie is found among others, and given twice the one that verifies counts")
def cookie_among_others(stage):
    cookie, backend = new_client(stage)
    for line in (f"a=b; {cookie}; c=d", f"x; {cookie}", f"{COOKIE}=junk; {cookie}", f"{cookie}; {COOKIE}=junk",
                 f"x{cookie}; {cookie}"):
        for _ in range(4):
            answer = get_ok(stage.port, stage.host, cookie=line)
            expect_equal((answer.backend, answer.cookie(COOKIE)), (backend, ""), line[:60])


@promise("the application's own Set-Cookie is passed on beside the proxy's, unmerged")
def cookie_of_the_application(stage):
    lines = get_ok(stage.port, "bodies.test", "/setcookie").values("Set-Cookie")
    expect_equal(sorted(line.split("=")[0] for line in lines), [COOKIE, "app"])
    expect("app=1; Path=/" in lines, lines)


@promise("another proxy with the same documents honours the cookie")
def second_proxy(stage):
    port, process = stage.start_proxy("second", stage.documents)
    for _ in range(8):
        cookie, backend = new_client(stage)
        expect_equal(get_ok(port, stage.host, cookie=cookie).backend, backend)
    process.end()


@promise("sessionAffinity: ClientIP keeps each of 24 addresses on one backend, new and kept-alive, without a cookie")
def client_ip(stage):
    homes = {}
    for number in range(24):
        source = f"127.0.1.{number + 1}"
        met = {get_ok(stage.port, "address.test", source=source).backend for _ in range(6)}
        with Client(stage.port, "address.test", source) as client:
            answers = [client.get() for _ in range(6)]
        met |= {answer.backend for answer in answers}
        expect_equal(len(met), 1, f"backends of {source}")
        expect_equal(sum(len(a.values("Set-Cookie")) for a in answers), 0, "cookies")
        homes[source] = met.pop()
    expect_equal(set(homes.values()), {"a", "b"}, "backends used")
