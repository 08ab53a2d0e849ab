"""Faultline inside of the lab: at each client `faultline probe`, which records, and `faultline watch`, which hears the routers' BMP and tells a file.

The profile is that of the recorded cases, with what the live half needs.
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import topology
from software import gobgp
from topology import CLIENTS, NODES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROFILE = ROOT / "data/lab/lab.toml"
RESOLVERS = {"client-a": "unbound", "client-b": "BIND"}


def program():
    """The variable FAULTLINE, else the release build, else the debug build."""
    builds = [ROOT / "target/release/faultline", ROOT / "target/debug/faultline"]
    named = os.environ.get("FAULTLINE")
    return Path(named).resolve() if named else next((build for build in builds if build.exists()), builds[0])


def profile(organization=None):
    """The text of a profile: the lab's organization, or another one with the lab's settings."""
    text = PROFILE.read_text()
    return text if organization is None else (HERE / organization).read_text() + text[text.index("[settings]"):]


def _live(client, alerts):
    """Probes ask once a second, and must have their answer within it."""
    routers = [f'[[bmp.routers]]\naddress = "{topology.lan4(name)}"\nname = "{name}"\n' for name, node in NODES.items() if node.get("bmp")]
    return f"""
[probing]
vantage = "{client}"
every = "1s"
dns_timeout = "900ms"
http_timeout = "900ms"

[[probing.resolvers]]
name = "{RESOLVERS[client]}"
address = "127.0.0.1"

[[alerts]]
name = "file"
kind = "file"
path = "{alerts}"
changes = ["opened", "worsened", "improved", "changed"]
every = "0s"

{''.join(routers)}"""


class Watch:
    """One client's: what was told, and when it arrived."""

    def __init__(self, lab, client, organization=None):
        self.lab, self.node = lab, CLIENTS[client]
        folder = lab.folder(self.node)
        self.probes, self._alerts, self._lines = folder / "probes.jsonl", folder / "alerts.jsonl", folder / "watch.jsonl"
        self.notices = []
        file = lab.write(self.node, "org.toml", profile() + _live(client, self._alerts))
        watched = lab.write(self.node, "watched.toml", profile(organization) + _live(client, self._alerts))
        self.lab.start(self.node, "probe", [program(), "probe", file, "--every", "1s", "--out", self.probes])
        options = ["--bmp", f"{topology.lan4(self.node)}:{topology.BMP_PORT}", "--bmp-only", "--format", "jsonl"]
        with open(self._lines, "w") as output:
            self.lab.start(self.node, "watch", [program(), "watch", watched, *options], output=output)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        """Notes when each notice arrives, until the lab is gone."""
        while not self._alerts.exists():
            if not self.lab.place.exists():
                return
            time.sleep(0.02)
        with self._alerts.open() as file:
            rest = ""
            while self.lab.place.exists():
                rest += file.readline()
                if rest.endswith("\n"):
                    self.notices.append((time.time(), json.loads(rest)))
                    rest = ""
                else:
                    time.sleep(0.02)

    def is_over(self):
        """True if everything which was told of is over."""
        last = {notice["incident"]["number"]: notice["changes"][-1] for _, notice in self.notices}
        return bool(last) and all(change in ("closed", "withdrawn") for change in last.values())

    def stop(self):
        """Their exit statuses."""
        return self.lab.stop(self.node, "probe", "watch", by=signal.SIGINT, wait=20)

    def said(self):
        """What it said to people."""
        return (self.lab.folder(self.node) / "watch.out").read_text()


def begin(lab, organizations):
    """A watch at each client, with every router connected; `organizations`: the profile of a client, where it is not the lab's."""
    watches = {client: Watch(lab, client, organizations.get(client)) for client in CLIENTS}
    _until(lambda: [client for client, watch in watches.items() if "listening for routers" not in watch.said()], "do not listen")
    wanted = [name for name, node in NODES.items() if node.get("bmp")]
    said = lambda name: all(f"the router {name} (" in watch.said() for watch in watches.values())

    def not_connected():
        for node in ("v3", "cgobgp"):
            if not said(node):
                gobgp.connect(lab, node)
        return [name for name in wanted if not said(name)]

    _until(not_connected, "do not connect")
    return watches


def _until(missing, what, seconds=60):
    end = time.monotonic() + seconds
    while names := missing():
        if time.monotonic() > end:
            raise RuntimeError(f"{', '.join(names)} {what}")
        time.sleep(1)


def analyzed(profile_file, archives, probes):
    """What `faultline analyze` finds."""
    command = [program(), "analyze", profile_file, *archives, "--probes", *probes, "--format", "json"]
    done = subprocess.run(command, text=True, capture_output=True, timeout=120)
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(f"analyze: {done.stderr}")
    return json.loads(done.stdout)
