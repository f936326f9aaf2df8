"""Cases of the WebSocket protocol after the groups of the Autobahn test suite: 1 framing, 2 pings,
3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9 sizes, 10 small fragments, 12 and
13 compression. (Group 8 and 11 are empty there, too.)

A case is what a client sends, frame by frame, and in which pieces. Its verdict is all that the
server answers, and how it ends. Run directly and through a proxy, the two have to be the same.
"""
import base64
import os
import random
import select
import socket
import struct
import zlib
from dataclasses import dataclass, field

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass
class Case:
    name: str
    frames: list
    chop: int = 0
    extension: str = ""
    deflates: bool = field(default=False)


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack(">BH", bit | 126, len(payload))
    else:
        head += struct.pack(">BQ", bit | 127, len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    stretched = int.from_bytes((key * (len(payload) // 4 + 1))[:len(payload)], "big")
    masked = (int.from_bytes(payload, "big") ^ stretched).to_bytes(len(payload), "big")
    return head + key + masked


def end(code=None):
    """A Close frame. Without a code the ordinary end: the backend is told to close, and so does
    it when it has sent back all that came before; a Close of ours might overtake an echo."""
    return frame(CLOSE, struct.pack(">H", code)) if code is not None else None


def fragments(opcode, parts, between=b"", rsv=0):
    frames = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        frames.append(frame(opcode if number == 0 else 0, part, fin=last, rsv=rsv if number == 0 else 0))
        if between and not last:
            frames.append(frame(PING, between))
    return frames


def framing():
    for opcode in (TEXT, BINARY):
        for length in (0, 125, 126, 127, 128, 65535, 65536):
            yield Case(f"1.{opcode} length {length}", [frame(opcode, b"*" * length), end()])
        yield Case(f"1.{opcode} 65536 in pieces", [frame(opcode, b"*" * 65536), end()], chop=997)


def pings():
    for payload in (b"", b"Hello", bytes(range(0xFB, 0x100)), b"\xfe" * 125, b"\xfe" * 126):
        yield Case(f"2 ping {len(payload)}", [frame(PING, payload), end()])
    yield Case("2 ping byte by byte", [frame(PING, b"\xfe" * 125), end()], chop=1)
    yield Case("2 pongs nobody asked for", [frame(PONG), frame(PONG, b"x"), frame(PING, b"y"), end()])
    yield Case("2 ten pings", [frame(PING, b"%d" % n) for n in range(10)] + [end()])
    yield Case("2 ten pings byte by byte", [frame(PING, b"%d" % n) for n in range(10)] + [end()], chop=1)


def bits_and_opcodes():
    for rsv in range(1, 8):
        for opcode in (TEXT, PING, CLOSE):
            yield Case(f"3 rsv {rsv} on {opcode}", [frame(TEXT, b"before"), frame(opcode, b"", rsv=rsv), end()])
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"*"):
            yield Case(f"4 opcode {opcode} {len(payload)}", [frame(TEXT, b"a"), frame(opcode, payload), end()])
    yield Case("4 without a mask", [frame(TEXT, b"a", mask=False), end()])


def fragmentation():
    for chop in (0, 1):
        yield Case(f"5 two fragments {chop}", fragments(TEXT, [b"one", b"two"]) + [end()], chop)
        yield Case(f"5 ping between {chop}", fragments(TEXT, [b"one", b"two"], b"hi") + [end()], chop)
        yield Case(f"5 many, pings between {chop}", fragments(TEXT, [b"%d" % n for n in range(5)], b"p") + [end()], chop)
        yield Case(f"5 a continuation of nothing {chop}", [frame(0, b"x"), frame(TEXT, b"y"), end()], chop)
        yield Case(f"5 an unfinished one of nothing {chop}", [frame(0, b"x", fin=False), frame(TEXT, b"y")], chop)
        yield Case(f"5 text within a message {chop}", [frame(TEXT, b"a", fin=False), frame(TEXT, b"b"), end()], chop)
    yield Case("5 a fragmented ping", fragments(PING, [b"one", b"two"]) + [end()])
    yield Case("5 a fragmented pong", fragments(PONG, [b"one", b"two"]) + [end()])
    yield Case("5 empty fragments", fragments(TEXT, [b"", b"", b""]) + [end()])
    yield Case("5 empty around one", fragments(TEXT, [b"", b"middle", b""]) + [end()])


GOOD = ["κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\U00010000", "\U0010FFFF", "\uD7FF", "\uE000", "\uFFFD", "\uFFFE", "\x00"]
BAD = ["80", "bf", "80bf", "c0", "c0af", "e080af", "f08080af", "f8888080af", "c1bf", "e09fbf", "f08fbfbf", "eda080",
       "edbfbf", "eda080edb080", "f4908080", "fe", "ff", "fefeffff", "cebae1bdb9cf83cebcceb5eda080656469746564", "f0",
       "e2", "c3", "e282", "f09f98", "c328", "e228a1", "f0288cbc", "f7bfbfbf", "fcbfbfbfbfbf"]


def utf8():
    for number, text in enumerate(GOOD):
        data = text.encode()
        yield Case(f"6 good {number}", [frame(TEXT, data), end()])
        yield Case(f"6 good {number} byte by byte", [frame(TEXT, data), end()], chop=1)
        parts = [data[i:i + 1] for i in range(len(data))]
        yield Case(f"6 good {number} in fragments", fragments(TEXT, parts) + [end()])
    for number, text in enumerate(BAD):
        data = bytes.fromhex(text)
        yield Case(f"6 bad {number}", [frame(TEXT, b"ok " + data), end()])
        yield Case(f"6 bad {number} in fragments", fragments(TEXT, [b"ok", data, b"more"]) + [end()])


def closing():
    yield Case("7 close without a code", [frame(TEXT, b"a"), frame(CLOSE)])
    yield Case("7 one byte", [frame(CLOSE, b"\x03")])
    yield Case("7 text behind close", [end(1000), frame(TEXT, b"late")])
    yield Case("7 ping behind close", [end(1000), frame(PING, b"late")])
    yield Case("7 two closes", [end(1000), end(1000)])
    yield Case("7 close in a message", [frame(TEXT, b"a", fin=False), end(1000), frame(0, b"b")])
    for length in (0, 5, 123, 124):
        yield Case(f"7 a reason of {length}", [frame(CLOSE, b"\x03\xe8" + b"*" * length)])
    yield Case("7 a reason that is no UTF-8", [frame(CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80")])
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for code in good + (0, 999, 1004, 1005, 1006, 1012, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7 code {code}", [end(code)])


def sizes():
    for opcode in (TEXT, BINARY):
        for power in (16, 18, 20, 22, 24):
            yield Case(f"9.{opcode} 2^{power}", [frame(opcode, b"*" * 2**power), end()])
        for part in (64, 1024, 65536):
            parts = [b"*" * part] * (2**18 // part)
            yield Case(f"9.{opcode} fragments of {part}", fragments(opcode, parts) + [end()])
        for chop in (64, 1024):
            yield Case(f"9.{opcode} pieces of {chop}", [frame(opcode, b"*" * 2**18), end()], chop)
        for length in (0, 16, 125, 1024, 4096):
            yield Case(f"9.{opcode} 500 of {length}", [frame(opcode, b"*" * length)] * 500 + [end()])
    yield Case("10 65536 in fragments of 1300", fragments(TEXT, [b"*" * 1300] * 50) + [end()])


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


OFFERS = ("permessage-deflate; client_no_context_takeover; server_no_context_takeover",
          "permessage-deflate; client_no_context_takeover; client_max_window_bits",
          "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
          "permessage-deflate; client_no_context_takeover")


def compression():
    noise = random.Random(7)
    kinds = {"text": lambda n: (b"lorem ipsum dolor " * (n // 18 + 1))[:n],
             "noise": lambda n: bytes(noise.randrange(0x20, 0x7F) for _ in range(n))}
    for number, offer in enumerate(OFFERS):
        for kind, make in kinds.items():
            for length in (0, 16, 64, 256, 1024, 4096, 32768):
                data = make(length)
                frames = [frame(TEXT, deflated(data), rsv=4) for _ in range(5)]
                yield Case(f"12 {kind} {length} offer {number}", frames + [end()], extension=offer, deflates=True)
        data = deflated(b"fragmented " * 1000)
        parts = [data[i:i + 50] for i in range(0, len(data), 50)]
        yield Case(f"13 fragments, offer {number}", fragments(BINARY, parts, rsv=4) + [end()], extension=offer,
                   deflates=True)
        yield Case(f"13 not compressed, offer {number}", [frame(TEXT, b"plain"), end()], extension=offer, deflates=True)
        yield Case(f"13 no deflate data, offer {number}", [frame(TEXT, b"\xff\xff\xff", rsv=4), end()], extension=offer,
                   deflates=True)


def all_cases():
    for group in (framing, pings, bits_and_opcodes, fragmentation, utf8, closing, sizes, compression):
        yield from group()


def verdict(case, port, host):
    """Everything that came back: the handshake's status and extension, each frame, and the end."""
    with socket.create_connection(("127.0.0.1", port), 20) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if case.extension:
            lines.append(f"Sec-WebSocket-Extensions: {case.extension}")
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        received = bytearray()
        while b"\r\n\r\n" not in received:
            piece = wire.recv(65536)
            if not piece:
                return ["no handshake", bytes(received)]
            received += piece
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        fields = [line for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-ext")]
        return [head.split(b" ")[1], fields, *exchange(case, wire, bytearray(rest))]


def exchange(case, wire, received):
    ends = case.frames[-1] is None
    data = b"".join(case.frames[:-1] + [frame(TEXT, b"close 1000")] if ends else case.frames)
    step = case.chop or 1 << 16
    sent, seen, count = 0, [], 0
    wire.setblocking(False)
    while True:
        while sent < len(data):
            try:
                sent += wire.send(data[sent:sent + step])
            except BlockingIOError:
                break
            except OSError:
                sent = len(data)
        try:
            wire.settimeout(0.0 if sent < len(data) else 20)
            piece = wire.recv(1 << 20)
        except BlockingIOError:
            select.select([wire], [wire], [], 20)
            wire.setblocking(False)
            continue
        except TimeoutError:
            return [*seen, "no end"]
        except OSError:
            piece = b""
        finally:
            wire.setblocking(False)
        if not piece:
            # Whether the end is a FIN or a RST depends on what was still on its way.
            return [*seen, f"{count} frames", "end"]
        received += piece
        while taken := take(received):
            seen.append(taken)
            count += 1
            if ends and taken[0] == 0x88:
                data, sent, ends = end(1000), 0, False


def take(received):
    """The next whole frame, taken out of the buffer: first byte, length and a checksum."""
    if len(received) < 2:
        return None
    length, start = received[1] & 0x7F, 2
    if length == 126:
        length, start = int.from_bytes(received[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(received[2:10], "big"), 10
    if len(received) < start + length:
        return None
    result = (received[0], length, zlib.crc32(received[start:start + length]))
    del received[:start + length]
    return result
