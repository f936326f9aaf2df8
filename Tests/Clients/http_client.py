"""A plain client: one request at a time, on a connection that is new or kept."""
import http.client
import re

from harness import expect

SET_COOKIE_NAME = re.compile(r"([^=;]+)=([^;]*)")


class Answer:
    def __init__(self, response):
        self.status, self.fields = response.status, response.getheaders()
        self.body = response.read()
        self.backend = response.getheader("X-Backend")

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def cookie(self, name):
        """`name=value` of its Set-Cookie of that name; empty without one."""
        for line in self.values("Set-Cookie"):
            pair = SET_COOKIE_NAME.match(line)
            if pair and pair[1] == name:
                return pair[0]
        return ""


class Client:
    def __init__(self, port, host, source=None):
        self.host = host
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=20, source_address=(source, 0) if source else None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def get(self, path="/", cookie="", **fields):
        headers = {"Host": self.host, **fields, **({"Cookie": cookie} if cookie else {})}
        self.connection.request("GET", path, headers=headers)
        return Answer(self.connection.getresponse())


def get(port, host, path="/", cookie="", source=None, **fields):
    """One request on a connection of its own."""
    with Client(port, host, source) as client:
        return client.get(path, cookie, **fields)


def get_ok(port, host, path="/", cookie="", source=None, **fields):
    answer = get(port, host, path, cookie, source, **fields)
    expect(answer.status == 200, "status", answer.status, answer.body[:200])
    return answer
