"""HTTP as other programs and libraries speak it: each meets the proxy with its own habits."""
import asyncio
import hashlib
import json
import os
import tempfile

from harness import HERE, PYTHON, Process, command, expect, expect_equal, free_port, poll, promise
from http_client import get_ok

BODY = os.urandom(3_000_000)


def base(stage):
    return f"http://127.0.0.1:{stage.port}"


def check(answer, method, body=b""):
    """The backend saw this method and this body."""
    expect_equal((answer["method"], answer["length"]), (method, len(body)))
    expect_equal(answer["sha256"], hashlib.sha256(body).hexdigest())


@promise("requests: a session with GET, a large POST, a chunked upload and a streamed answer")
def python_requests(stage):
    import requests
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Host"] = "bodies.test"
        check(session.get(base(stage) + "/").json(), "GET")
        check(session.post(base(stage) + "/", data=BODY).json(), "POST", BODY)
        pieces = (BODY[start:start + 70_000] for start in range(0, len(BODY), 70_000))
        check(session.put(base(stage) + "/", data=pieces).json(), "PUT", BODY)
        with session.get(base(stage) + "/chunks?n=5000000", stream=True) as answer:
            expect_equal(sum(len(piece) for piece in answer.iter_content(65536)), 5_000_000)
        expect_equal(session.head(base(stage) + "/bytes?n=77").headers["Content-Length"], "77")


@promise("httpx: 200 requests, 20 at a time, and a large POST")
def python_httpx(stage):
    import httpx

    async def run():
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(limits=limits, timeout=30, trust_env=False,
                                     headers={"Host": "bodies.test"}) as client:
            answers = await asyncio.gather(*(client.get(f"{base(stage)}/bytes?n={n}") for n in range(200)))
            expect_equal([len(answer.content) for answer in answers], list(range(200)))
            check((await client.post(base(stage) + "/", content=BODY)).json(), "POST", BODY)
    asyncio.run(run())


@promise("aiohttp: requests, a chunked upload and a WebSocket in one session")
def python_aiohttp(stage):
    import aiohttp

    async def pieces():
        for start in range(0, len(BODY), 50_000):
            yield BODY[start:start + 50_000]

    async def run():
        async with aiohttp.ClientSession(headers={"Host": "bodies.test"}) as session:
            for _ in range(20):
                async with session.get(base(stage) + "/") as answer:
                    check(await answer.json(content_type=None), "GET")
            async with session.post(base(stage) + "/", data=pieces()) as answer:
                check(await answer.json(content_type=None), "POST", BODY)
            async with session.ws_connect(base(stage) + "/", headers={"Host": "ws.test"}) as tunnel:
                for number in range(50):
                    await tunnel.send_str(str(number))
                    expect_equal((await tunnel.receive()).data, str(number))
                await tunnel.send_bytes(BODY)
                expect((await tunnel.receive()).data == BODY, "the bytes changed")
    asyncio.run(asyncio.wait_for(run(), 60))


NODE = """
const http = require("http"), crypto = require("crypto");
const agent = new http.Agent({keepAlive: true, maxSockets: 10});
const port = Number(process.argv[1]);
const ask = (method, path, body) => new Promise((resolve, reject) => {
  const request = http.request({agent, port, method, path, headers: {Host: "bodies.test"}}, answer => {
    const pieces = [];
    answer.on("data", piece => pieces.push(piece));
    answer.on("end", () => resolve({status: answer.statusCode, body: Buffer.concat(pieces)}));
    answer.on("error", reject);
  });
  request.on("error", reject);
  request.end(body);
});
(async () => {
  const sizes = [...Array(100).keys()];
  const answers = await Promise.all(sizes.map(n => ask("GET", "/bytes?n=" + n * 100)));
  answers.forEach((answer, n) => { if (answer.body.length !== n * 100) throw Error("length " + n); });
  const body = crypto.randomBytes(2000000);
  const told = JSON.parse((await ask("POST", "/", body)).body);
  const sum = crypto.createHash("sha256").update(body).digest("hex");
  if (told.sha256 !== sum || told.length !== body.length) throw Error("body");
  if ((await ask("GET", "/chunks?n=1000000")).body.length !== 1000000) throw Error("chunks");
  console.log("all well"); process.exit(0);
})().catch(error => { console.log(String(error)); process.exit(1); });
"""


@promise("Node: http with a keep-alive agent, 100 requests at once, a POST, a chunked answer")
def node_http(stage):
    done = command("node", "-e", NODE, str(stage.port), seconds=60)
    expect_equal((done.returncode, done.stdout.decode().strip()), (0, "all well"))


@promise("wget: a download, a resumed one, and a POST")
def wget(stage):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/small"
        options = ("-q", "--no-proxy", "--tries=1", "--timeout=20", f"--header=Host: {stage.host}")
        expect_equal(command("wget", *options, "-O", path, base(stage) + "/small", seconds=30).returncode, 0)
        expect_equal(open(path, "rb").read(), b"s" * 1024)
        os.truncate(path, 1000)
        expect_equal(command("wget", *options, "-c", "-O", path, base(stage) + "/small", seconds=30).returncode, 0)
        expect_equal(os.path.getsize(path), 1024)
    done = command("wget", "-q", "--no-proxy", "--header=Host: bodies.test", "--post-data=a=1", "-O", "-",
                   base(stage) + "/", seconds=30)
    check(json.loads(done.stdout), "POST", b"a=1")


@promise("git: clone, push of 5 MB and fetch over smart HTTP")
def git(stage):
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, HOME=folder, GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0")
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            environment.pop(name, None)

        def run(*words):
            done = command("git", "-c", "user.name=t", "-c", "user.email=t@t", *words, seconds=60, env=environment)
            expect(done.returncode == 0, words, done.stderr.decode()[-400:])
        run("init", "-q", "--bare", "-b", "main", f"{folder}/root/repo.git")
        run("-C", f"{folder}/root/repo.git", "config", "http.receivepack", "true")
        port = free_port()
        Process([PYTHON, HERE / "git_backend.py", "127.0.0.1", port, f"{folder}/root"],
                stage.folder / "git.log").ready("127.0.0.1", port)
        front, _ = stage.start_proxy("git", f"routes: [{{backends: [127.0.0.1:{port}]}}]")
        url = f"http://127.0.0.1:{front}/repo.git"
        run("clone", "-q", url, f"{folder}/one")
        with open(f"{folder}/one/large", "wb") as file:
            file.write(os.urandom(5_000_000))
        run("-C", f"{folder}/one", "checkout", "-q", "-b", "main")
        run("-C", f"{folder}/one", "add", ".")
        run("-C", f"{folder}/one", "commit", "-qm", "large")
        run("-C", f"{folder}/one", "push", "-q", "origin", "main")
        run("clone", "-q", url, f"{folder}/two")
        expect_equal(os.path.getsize(f"{folder}/two/large"), 5_000_000)
        run("-C", f"{folder}/two", "fetch", "-q")


@promise("Chromium: a page of 50 assets, and a WebSocket that it opens")
def chromium(stage):
    port = free_port()
    Process([PYTHON, HERE / "page_backend.py", "127.0.0.1", port], stage.folder / "page.log").ready("127.0.0.1", port)
    front, _ = stage.start_proxy("page", f"routes: [{{backends: [127.0.0.1:{port}]}}]")
    Process(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-proxy-server", f"--user-data-dir={stage.folder}/chromium", "--remote-debugging-port=0",
             f"http://127.0.0.1:{front}/"], stage.folder / "chromium.log")

    def reported():
        text = get_ok(port, "page.test", "/report").body.decode()
        return text if text.startswith("loaded") else None
    expect_equal(poll(60, "the page's report", reported), "loaded=50&echoed=20&code=1000")
