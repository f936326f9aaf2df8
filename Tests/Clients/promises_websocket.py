"""WebSocket as the websockets library speaks it."""
import asyncio
import json
import os

import websockets

from harness import Broken, expect, expect_equal, poll, promise
from http_client import get_ok
from stage import COOKIE
from websocket_cases import all_cases, verdict

MODERN = int(websockets.__version__.split(".")[0]) >= 14


def connect(stage, cookie=""):
    headers = {("additional_headers" if MODERN else "extra_headers"): {"Cookie": cookie}} if cookie else {}
    return websockets.connect(f"ws://ws.test:{stage.port}/", host="127.0.0.1", port=stage.port,
                              max_size=64 << 20, open_timeout=10, close_timeout=10, **headers)


def issued_cookie(tunnel):
    headers = tunnel.response.headers if MODERN else tunnel.response_headers
    lines = [line for line in headers.get_all("Set-Cookie") if line.startswith(COOKIE + "=")]
    return lines[0].split(";")[0] if lines else ""


async def ask(tunnel, message):
    await tunnel.send(message)
    return await asyncio.wait_for(tunnel.recv(), 20)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 50))


@promise("WebSocket: the handshake sets the cookie, and a client that returns with it reaches the same backend")
def handshake_is_sticky(stage):
    async def visits():
        homes = set()
        for _ in range(12):
            async with connect(stage) as tunnel:
                cookie, home = issued_cookie(tunnel), await ask(tunnel, "name")
            expect(cookie, "no Set-Cookie on the 101")
            for _ in range(5):
                async with connect(stage, cookie) as tunnel:
                    expect_equal((await ask(tunnel, "name"), issued_cookie(tunnel)), (home, ""))
            homes.add(home)
        expect_equal(homes, {"a", "b"}, "backends used")
    run(visits())


@promise("WebSocket: a cookie from a plain request leads the tunnel to the same backend")
def cookie_of_a_request(stage):
    async def visits():
        for _ in range(6):
            answer = get_ok(stage.port, "ws.test")
            async with connect(stage, answer.cookie(COOKIE)) as tunnel:
                expect_equal(await ask(tunnel, "name"), json.loads(answer.body)["backend"])
    run(visits())


@promise("WebSocket: text, binary, empty, large and fragmented messages come back as they were")
def messages(stage):
    async def echo():
        async with connect(stage) as tunnel:
            for message in ("text", "žluťoučký kůň", "", b"", b"\x00\xff" * 50, "x" * 125, "x" * 126, "x" * 65535,
                            "x" * 65536, os.urandom(1_000_000), os.urandom(16_000_000)):
                expect(await ask(tunnel, message) == message, "changed, of length", len(message))
            await tunnel.send(["frag", "mented ", "", "message"])
            expect_equal(await asyncio.wait_for(tunnel.recv(), 10), "fragmented message")
            pong = await tunnel.ping(b"are you there")
            await asyncio.wait_for(pong, 10)
    run(echo())


@promise("WebSocket: 100 tunnels at once keep their messages apart")
def many_tunnels(stage):
    async def one(number):
        async with connect(stage) as tunnel:
            for turn in range(20):
                expect_equal(await ask(tunnel, f"{number} {turn}"), f"{number} {turn}")

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(100)))
    run(all_of_them())


@promise("WebSocket: close codes and reasons pass in both directions")
def close_codes(stage):
    async def close():
        async with connect(stage) as tunnel:
            home = await ask(tunnel, "name")
            cookie = issued_cookie(tunnel)
            await tunnel.close(4001, "done here")
        async with connect(stage) as tunnel:
            try:
                await ask(tunnel, "close 4002")
                raise Broken("the backend did not close")
            except websockets.ConnectionClosed:
                expect_equal((tunnel.close_code, tunnel.close_reason), (4002, "asked"))
        return home, cookie
    home, cookie = run(close())

    def backend_saw():
        seen = json.loads(get_ok(stage.port, "ws.test", cookie=cookie).body)
        expect_equal(seen["backend"], home)
        return [4001, "done here"] in seen["closed"]
    poll(10, "the backend sees close code 4001", backend_saw)


@promise("WebSocket: every case after Autobahn's groups 1 to 13 ends with the same verdict direct and through")
def same_verdicts(stage):
    count, differing = 0, []
    for case in all_cases():
        count += 1
        found = verdict(case, stage.port, "ws.test")
        direct = verdict(case, stage.ports["ws"], "ws.test")
        if found != direct:
            differing.append((case.name, direct[-3:], found[-3:]))
    expect(count > 250, "cases", count)
    expect(not differing, len(differing), "of", count, "differ:", differing[:5])
