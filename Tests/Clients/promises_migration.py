"""Coming from ingress-nginx: its cookies, its canaries and its patterns, where the backends are pods."""
import bisect
import collections
import hashlib
import zlib

from harness import command, expect, expect_equal, promise
from http_client import get, get_ok
from stage import NODES

COOKIE = "INGRESSCOOKIE"
PREFIX = "nginx.ingress.kubernetes.io/"


def ingress(name, paths, **annotations):
    lines = "".join(f'    {PREFIX}{key.replace("_", "-")}: "{value}"\n' for key, value in annotations.items())
    rules = "".join(f"          - {{path: '{path}', pathType: ImplementationSpecific, "
                    f"backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}\n" for path, service in paths)
    host = name.split("-")[0]
    return f"""
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: default
  annotations:
{lines}spec:
  rules:
    - host: {host}.test
      http:
        paths:
{rules}"""


def default_backend(name, service, **annotations):
    """An Ingress for requests that no rule matches."""
    rule = ingress(name, [], **annotations)
    return rule[:rule.index("  rules:")] + f"  defaultBackend: {{service: {{name: {service}, port: {{number: 80}}}}}}\n"


def service_of_pods(name, port, addresses, conditions="ready: true"):
    endpoints = ", ".join(f'{{addresses: ["{address}"], conditions: {{{conditions}}}}}' for address in addresses)
    return f"""
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{port: {port}}}]
endpoints: [{endpoints}]
"""


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def second_half(service):
    """What every cookie of ingress-nginx for a service ends in."""
    name = f"default-{service}-80"
    return md5(md5(name) + name)


def ring_owner(nodes, key):
    """The node that ingress-nginx's ring of 160 points for each gives a key to."""
    points = []
    for node in nodes:
        point = 0
        for _ in range(160):
            point = zlib.crc32(point.to_bytes(4, "little"), zlib.crc32(node.encode()))
            points.append((point, node))
    points.sort()
    place = bisect.bisect_left(points, (zlib.crc32(key.encode()), ""))
    return points[place % len(points)][1]


def migrated(stage, address, service, value):
    """The cookie of ingress-nginx leads there, is replaced, and the new one leads there, too."""
    port, host = stage.migration, f"{service}.test"
    name = next(node for node, at in NODES.items() if at == address)
    answer = get_ok(port, host, cookie=f"{COOKIE}={value}|{second_half(service)}")
    fresh = answer.cookie(COOKIE)
    expect_equal((answer.backend, bool(fresh)), (name, True), value)
    again = get_ok(port, host, cookie=fresh)
    expect_equal((again.backend, again.cookie(COOKIE)), (name, ""), "the new cookie")


def start(stage):
    """One proxy for all promises of this file."""
    if getattr(stage, "migration", None):
        return
    both = list(NODES.values())
    web = stage.ports["web"]
    documents = "".join([
        ingress("persistent", [("/", "persistent")], affinity="cookie", affinity_mode="persistent"),
        ingress("balanced", [("/", "balanced")], affinity="cookie"),
        ingress("patterns", [("/small.*", "one"), ("/s[a-z]+/x", "other"), ("/$", "other")], use_regex="true"),
        ingress("trial", [("/", "one")], affinity="cookie"),
        ingress("trial-canary", [("/", "other")], canary="true", canary_by_header="X-Trial"),
        ingress("ending", [("/", "ending")], affinity="cookie"),
        service_of_pods("ending", web, both, "ready: false, serving: true, terminating: true"),
        service_of_pods("persistent", web, both), service_of_pods("balanced", web, both),
        service_of_pods("one", web, both[:1]), service_of_pods("other", web, both[1:]),
    ])
    stage.migration, _ = stage.start_proxy("migration", documents)


@promise("a cookie that ingress-nginx issued in persistent mode keeps its pod, and is replaced")
def persistent_cookie(stage):
    start(stage)
    for address in NODES.values():
        pod = f"{address}:{stage.ports['web']}"
        migrated(stage, address, "persistent", md5(f"default-persistent-80{pod}"))


@promise("a cookie that ingress-nginx issued in balanced mode keeps its pod, and is replaced")
def balanced_cookie(stage):
    start(stage)
    pods = {f"{address}:{stage.ports['web']}": address for address in NODES.values()}
    for number in range(20):
        key = f"17000000{number:02}.123.27.{4829 + number}"
        migrated(stage, pods[ring_owner(pods, key)], "balanced", key)


@promise("use-regex: paths are patterns from their first byte, in any case, the longest first")
def patterns(stage):
    start(stage)
    cases = {"/small": "a", "/": "b", "/SMALL": None, "/none": None}
    for path, backend in cases.items():
        answer = get(stage.migration, "patterns.test", path)
        # The files of the backends know their case; that it was they who said so is the promise.
        expect(answer.status == (404 if backend is None else 200), path, answer.status)
        if backend:
            expect_equal(answer.backend, backend, path)
    expect_equal(get(stage.migration, "patterns.test", "/SMALL").backend, "a", "/SMALL")
    expect_equal(get(stage.migration, "patterns.test", "/small/x").backend, "b", "/small/x, the longer pattern")
    expect_equal(get(stage.migration, "patterns.test", "/x/small").backend, None, "/x/small")


@promise("routes shows a canary below its route")
def canary_row(stage):
    path = stage.folder / "canary.yaml"
    path.write_text("""services:
  shop: {backends: [127.0.0.1:1]}
  trial: {backends: [127.0.0.1:2]}
routes:
  - {host: shop.test, service: shop}
  - {host: shop.test, service: trial, annotations: {canary: true, canary-weight: 20, canary-by-header: X-Trial}}
""")
    table = command(stage.proxy_program, "routes", "--config", path).stdout.decode().splitlines()
    row = next(line for line in table if "trial" in line)
    expect("canary 20/100, by header X-Trial" in row and "127.0.0.1:2" in row, table)
    expect("shop.test" in table[table.index(row) - 1], table)


@promise("a canary's field sends new clients there, and a session stays on its side against the field")
def canary(stage):
    start(stage)
    port, host = stage.migration, "trial.test"
    there, here = get_ok(port, host, **{"X-Trial": "always"}), get_ok(port, host)
    expect_equal((there.backend, here.backend), ("b", "a"))
    seen = collections.Counter()
    for _ in range(5):
        seen[get_ok(port, host, cookie=there.cookie(COOKIE), **{"X-Trial": "never"}).backend] += 1
        seen[get_ok(port, host, cookie=here.cookie(COOKIE), **{"X-Trial": "always"}).backend] += 1
    expect_equal(seen, {"b": 5, "a": 5})


@promise("a canary of the default backend takes the requests that ask for it, on any host")
def default_canary(stage):
    (first, one), (second, other) = NODES.items()
    web = stage.ports["web"]
    port, _ = stage.start_proxy("default-canary", "".join([
        default_backend("rest", "one"),
        default_backend("rest-canary", "other", canary="true", canary_by_header="X-Trial"),
        service_of_pods("one", web, [one]), service_of_pods("other", web, [other]),
    ]))
    for host in ("nowhere.test", "elsewhere.test"):
        expect_equal(get_ok(port, host).backend, first, host)
        expect_equal(get_ok(port, host, **{"X-Trial": "always"}).backend, second, f"{host}, asked for")


@promise("where all pods of a service are terminating and serve, new clients are served, and stay")
def all_ending(stage):
    start(stage)
    seen = set()
    # Each worker begins its turns somewhere, and there may be many.
    for _ in range(100):
        if seen == set(NODES):
            break
        answer = get_ok(stage.migration, "ending.test")
        again = get_ok(stage.migration, "ending.test", cookie=answer.cookie(COOKIE))
        expect_equal(again.backend, answer.backend, "the pod of the cookie")
        seen.add(answer.backend)
    expect_equal(seen, set(NODES), "pods that new clients came to")
