"""A WebSocket echo backend that names itself, with the websockets library.

    websocket_backend.py NAME ADDRESS PORT

Every message comes back as it was, text as text and binary as binary. Two texts are orders:
  name          answers the name of this backend
  close CODE    closes with that code and the reason "asked"
A plain GET is answered with the close codes that earlier clients sent, as JSON.
"""
import asyncio
import http
import json
import logging
import sys

import websockets

NAME, ADDRESS, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
MODERN = int(websockets.__version__.split(".")[0]) >= 14
closed_with = []

# A connection that is only tried (is the port open?) is no error worth a page of log.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


async def echo(tunnel, _path=None):
    try:
        async for message in tunnel:
            if message == "name":
                await tunnel.send(NAME)
            elif isinstance(message, str) and message.startswith("close "):
                await tunnel.close(int(message.split()[1]), "asked")
            else:
                await tunnel.send(message)
    except websockets.ConnectionClosed:
        pass
    finally:
        closed_with.append([tunnel.close_code, tunnel.close_reason])


def codes():
    return json.dumps({"backend": NAME, "closed": closed_with}) + "\n"


def answer_plain_modern(connection, request):
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return connection.respond(200, codes())
    return None


async def answer_plain_legacy(_path, headers):
    if headers.get("Upgrade", "").lower() != "websocket":
        return http.HTTPStatus.OK, [("X-Backend", NAME)], codes().encode()
    return None


async def main():
    plain = answer_plain_modern if MODERN else answer_plain_legacy
    async with websockets.serve(echo, ADDRESS, PORT, process_request=plain, max_size=64 << 20):
        await asyncio.Future()


asyncio.run(main())
