"""A page of 50 assets that opens a WebSocket and reports what worked (websockets library).

    page_backend.py ADDRESS PORT

GET /        the page
GET /asset/N a script that counts itself
GET /done?…  the page's report; GET /report answers it
Any WebSocket is an echo.
"""
import asyncio
import http
import logging
import sys

import websockets

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
ASSETS = 50
report = "nothing yet"
logging.getLogger("websockets").setLevel(logging.CRITICAL)

PAGE = "<!doctype html><title>page</title><script>window.loaded = 0</script>" + "".join(
    f"<script src=/asset/{number}></script>" for number in range(ASSETS)) + """
<script>
addEventListener("load", () => {
  const socket = new WebSocket("ws://" + location.host + "/socket");
  let echoed = 0;
  socket.onopen = () => socket.send("0");
  socket.onmessage = message => {
    if (message.data === String(echoed)) echoed += 1;
    if (echoed < 20) return socket.send(String(echoed));
    socket.close(1000);
  };
  socket.onclose = event =>
    fetch(`/done?loaded=${window.loaded}&echoed=${echoed}&code=${event.code}`);
});
</script>"""


async def serve_plain(path, headers):
    global report
    if headers.get("Upgrade", "").lower() == "websocket":
        return None
    kind, body = "text/plain", report
    if path == "/":
        kind, body = "text/html", PAGE
    elif path.startswith("/asset/"):
        kind, body = "text/javascript", "window.loaded += 1;" + " " * 5000
    elif path.startswith("/done?"):
        report = body = path.split("?", 1)[1]
    return http.HTTPStatus.OK, [("Content-Type", kind), ("Cache-Control", "no-store")], body.encode()


async def echo(tunnel, _path=None):
    async for message in tunnel:
        await tunnel.send(message)


async def main():
    async with websockets.serve(echo, ADDRESS, PORT, process_request=serve_plain, backlog=256):
        await asyncio.Future()


asyncio.run(main())
