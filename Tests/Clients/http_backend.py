"""A backend for bodies (asyncio, stdlib only).

    http_backend.py NAME ADDRESS PORT

Any request is answered with JSON: its head as received, and length and SHA-256 of its body.
  /slow?ms=500     half of the answer at once, the other half later
  /bytes?n=1000    n bytes
  /chunks?n=1000   the same, chunked, in pieces of 10,000
  /setcookie       answers with a Set-Cookie of its own
"""
import asyncio
import hashlib
import json
import sys
from urllib.parse import parse_qs, urlsplit

NAME = sys.argv[1]


async def read_head(reader):
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = text.removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = line.split(" ", 2)
    return method, target, version, [field.split(": ", 1) for field in fields]


async def body_pieces(reader, fields):
    headers = {name.lower(): value for name, value in fields}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            pass
        return
    rest = int(headers.get("content-length", 0))
    while rest:
        piece = await reader.read(min(rest, 1 << 18))
        if not piece:
            raise asyncio.IncompleteReadError(b"", rest)
        rest -= len(piece)
        yield piece


def head(extra, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", f"X-Backend: {NAME}", *extra, "", ""]).encode()


async def answer(writer, method, url, info):
    query = parse_qs(url.query)
    number = lambda name, default: int(query.get(name, [default])[0])  # noqa: E731
    if url.path.endswith("/chunks"):
        writer.write(head(["Transfer-Encoding: chunked"]))
        rest = number("n", 1000)
        while rest:
            size = min(rest, 10_000)
            writer.write(b"%x\r\n%s\r\n" % (size, b"y" * size))
            await writer.drain()
            rest -= size
        writer.write(b"0\r\n\r\n")
        return
    is_bytes = url.path.endswith("/bytes")
    data = b"x" * number("n", 1000) if is_bytes else json.dumps(info).encode() + b"\n"
    extra = ["Set-Cookie: app=1; Path=/"] if url.path.endswith("/setcookie") else []
    writer.write(head([f"Content-Length: {len(data)}", *extra]))
    if method == "HEAD":
        return
    half = len(data) // 2 if url.path.endswith("/slow") else len(data)
    writer.write(data[:half])
    await writer.drain()
    if half < len(data):
        await asyncio.sleep(number("ms", 500) / 1000)
        writer.write(data[half:])


async def serve(reader, writer):
    served = 0
    try:
        while True:
            method, target, version, fields = await read_head(reader)
            if any(n.lower() == "expect" and v == "100-continue" for n, v in fields):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            digest, length = hashlib.sha256(), 0
            async for piece in body_pieces(reader, fields):
                digest.update(piece)
                length += len(piece)
            served += 1
            info = {"backend": NAME, "method": method, "target": target, "version": version,
                    "fields": fields, "length": length, "sha256": digest.hexdigest(),
                    "requestOnConnection": served}
            await answer(writer, method, urlsplit(target), info)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, sys.argv[2], int(sys.argv[3]), backlog=1024, limit=1 << 20)
    await server.serve_forever()


asyncio.run(main())
