"""A case: read from its file, run in a lab of its own, and what was done when written down as its truth."""

import datetime
import json
import shutil
import time
import tomllib
from pathlib import Path

import topology
import watched
from faults import FAULTS
from internet import Lab
from software import exabgp
from topology import CLIENTS, COLLECTORS, NODES, VANTAGES

CASES = {file.stem: file for file in sorted((Path(__file__).resolve().parent / "cases").glob("*.toml"))}
# Before the first fault: enough for a baseline (`baseline_min`), and for every probe's first answers.
BEFORE = 14
# After the last repair everything must be well again and told: caches, resolvers which try again late, holds.
AFTER_AT_LEAST, AFTER_AT_MOST = 14, 75
# What records is a little behind what watches.
LAST_PROBES = 4


class Case:
    def __init__(self, name, scale=1.0):
        described = tomllib.loads(CASES[name].read_text())
        self.name, self.title, self.why, self.expect = name, described["title"], described["why"], described["expect"]
        self.scale = max(scale, described.get("least_scale", 0.5))
        self.timeline, self.tables = described["timeline"], described.get("tables", False)
        self.events, self.watches = [], {}

    def expected(self, client=None):
        """What is to be found: by the archives and everybody's probes, or by one client's watch."""
        return {**{key: value for key, value in self.expect.items() if key not in CLIENTS}, **self.expect.get(client, {})}

    def run(self, out):
        """Runs it, leaves everything in this folder, and takes the lab away."""
        lab = Lab(f"lab{self.name.lower()}")
        lab.down()
        try:
            boot = lab.up()
            organizations = {client: self.expect[client]["profile"] for client in CLIENTS if "profile" in self.expect.get(client, {})}
            self.watches = watched.begin(lab, organizations)
            lab.record()
            self.begun = time.time()
            time.sleep(BEFORE)
            if self.tables:
                lab.wait_for_tables()
            self._act(lab)
            self._settle()
            time.sleep(LAST_PROBES)
            self.ended = time.time()
            for watch in self.watches.values():
                watch.stop()
            lab.stop_recording()
            self._health(lab)
        finally:
            shutil.rmtree(out, ignore_errors=True)
            _collect(lab, out)
            lab.down()
        (out / "truth.json").write_text(json.dumps(self._truth(boot), indent=1) + "\n")

    def _act(self, lab):
        first = time.time()
        for at, do, *what in self.timeline:
            time.sleep(max(0, first + at * self.scale - time.time()))
            begun = time.time()
            if do != "end":
                FAULTS[what[0]](lab, do == "repair")
                self._note(f"{do} {what[0]}", begun, time.time())

    def _note(self, what, begun, done, **more):
        iso = datetime.datetime.fromtimestamp(begun, datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.events.append({"t": round(begun, 6), "iso": iso, "t_done": round(done, 6), "what": what, **more})

    def _health(self, lab):
        for at, site, group, state in exabgp.health(lab, self.begun):
            self._note("health check", at, at, node=site, group=group, state=state)
        self.events.sort(key=lambda event: event["t"])

    def _settle(self):
        """Until whoever should have told of something has told that it is over, or can be expected to tell nothing."""
        repaired = time.time()
        waiting = [watch for client, watch in self.watches.items() if self.expected(client)["verdict"] != "none"]
        while time.time() < repaired + AFTER_AT_MOST:
            if time.time() >= repaired + AFTER_AT_LEAST and all(watch.is_over() for watch in waiting):
                break
            time.sleep(0.2)

    def onset(self, client=None):
        """When it began: the first and the last moment of it."""
        if self.expected(client).get("begins") == "name servers withdrawn":
            # A prefix is gone when both sites have withdrawn it.
            times = [event["t"] for event in self.events if event["what"] == "health check" and event["state"] == "DOWN"]
        else:
            first = next(event for event in self.events if event["what"].startswith("break"))
            times = [first["t"], first["t_done"]]
        return min(times), max(times)

    def _truth(self, boot):
        describe = lambda node: {"asn": NODES[node]["asn"], "software": NODES[node]["software"]}
        return {
            "case": self.name, "title": self.title, "why": self.why, "scale": self.scale, "t_start": self.begun, "t_end": self.ended,
            "boot_s": round(boot, 1), "events": self.events, "expect": self.expect, "groups": topology.GROUPS,
            "peers": {node: {**describe(node), "addresses": [topology.lan4(node), topology.lan6(node)]} for node in VANTAGES},
            "collectors": {node: describe(node) for node in COLLECTORS},
            "clients": {client: {**describe(node), "resolver": watched.RESOLVERS[client]} for client, node in CLIENTS.items()},
            "links": [[link.a, link.b, link.relation] for link in topology.LINKS],
        }


def _collect(lab, out):
    """Archives, probe results, what was told, and every program's log and configuration."""
    (out / "log").mkdir(parents=True)
    if (lab.place / "mrt").exists():
        shutil.copytree(lab.place / "mrt", out / "mrt")
    for client, node in CLIENTS.items():
        for name in ("probes", "alerts", "watch"):
            file = lab.folder(node) / f"{name}.jsonl"
            if file.exists():
                shutil.copy(file, out / f"{name}-{client}.jsonl")
    for node in NODES:
        for file in lab.folder(node).iterdir():
            if file.suffix in (".out", ".log", ".conf", ".toml") and 0 < file.stat().st_size < 1_000_000:
                shutil.copy(file, out / "log" / f"{node}.{file.name}")
