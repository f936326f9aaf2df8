"""WebSocket clients with addresses of their own.

    wsclients.py URL HOST < '{"10.70.1.1": "SERVERID=...", ...}' > '{"10.70.1.1": ["a", "a", "a"], ...}'

Each client opens one tunnel with its cookie, sends three messages, and prints which pods answered.
"""
import asyncio
import json
import sys

import websockets


def fields(cookie):
    """The library renamed its argument in version 14."""
    renamed = int(websockets.__version__.split(".")[0]) >= 14
    return {"additional_headers" if renamed else "extra_headers": {"Cookie": cookie}} if cookie else {}


async def visit(url, host, client, cookie):
    # The URL names the host, the address says where to connect: that is how Host is set.
    port = int(url.rsplit(":", 1)[1].strip("/"))
    address = url.split("//")[1].split(":")[0]
    uri = f"ws://{host}:{port}/"
    pods = []
    async with websockets.connect(uri, host=address, port=port, local_addr=(client, 0),
                                  open_timeout=10, **fields(cookie)) as tunnel:
        for number in range(3):
            await tunnel.send(f"message {number}")
            pods.append(json.loads(await asyncio.wait_for(tunnel.recv(), 10))["pod"])
    return client, pods


async def main():
    url, host = sys.argv[1:]
    clients = json.load(sys.stdin)
    done = await asyncio.gather(*(visit(url, host, c, cookie) for c, cookie in clients.items()))
    print(json.dumps(dict(done)))


asyncio.run(asyncio.wait_for(main(), 50))
