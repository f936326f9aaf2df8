"""Host names of backends, with a name server of the test's own: each promise in namespaces of its own
(names_lab.py), so that it can stand where programs ask. Where those cannot be made, none is checked."""
import os
import tempfile

from harness import HERE, PYTHON, command, expect, promise

NAMESPACES = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--net"]
# What the lab does first: a mount over a file of /etc, and a server at port 53.
PROBE = "mount --bind /etc/hosts /etc/resolv.conf && mount --bind /etc/hosts /etc/nsswitch.conf"
SCENARIOS = {
    "change": "host names: addresses that a name server adds serve, and a session stays with one that stays",
    "failure": "host names: SERVFAIL, NXDOMAIN, an empty answer and silence leave the last good one",
    "hanging": "host names: a name server that is silent holds up neither an upgrade nor the end",
    "start": "host names: without a name server the proxy starts, and serves once there is one",
}


def can_be_made():
    try:
        return command(*NAMESPACES, "sh", "-c", PROBE, seconds=10).returncode == 0
    except OSError:
        return False


def check(stage, scenario):
    with tempfile.TemporaryDirectory(prefix=f"names-{scenario}-", dir=stage.folder) as folder:
        lab = command(*NAMESPACES, PYTHON, HERE / "names_lab.py", scenario, stage.proxy_program, folder,
                      seconds=50)
        expect(lab.returncode == 0, lab.stdout.decode(), lab.stderr.decode())


if can_be_made():
    for each, sentence in SCENARIOS.items():
        promise(sentence)(lambda stage, scenario=each: check(stage, scenario))
else:
    print("host names: NOT CHECKED, this machine cannot make mount and network namespaces", flush=True)
