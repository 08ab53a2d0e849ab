"""The lab as it runs: namespaces, programs, their files; brought up until everything is well, and taken down again.

Only processes which it started, or which are in its own namespaces, are ever signalled.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import topology
from namespaces import Namespaces
from software import bird, dns, exabgp, frr, gobgp, openbgpd, web, zones
from topology import CLIENTS, COLLECTORS, NODES, VANTAGES

ROUTERS = {"frr": frr, "bird": bird, "gobgp": gobgp, "openbgpd": openbgpd, "exabgp": exabgp}


class Lab:
    """`name`: what the names of its namespaces begin with."""

    def __init__(self, name="lab"):
        self.namespaces = Namespaces(name)
        self.place = Path("/run/faultline-lab") / name
        self.processes = {}
        self._rotation = None

    def folder(self, node):
        folder = self.place / node
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o777)
        return folder

    def archive(self, collector):
        """Where a collector writes."""
        folder = self.place / "mrt" / collector
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o777)
        return folder

    def write(self, node, name, text):
        file = self.folder(node) / name
        file.write_text(text)
        return str(file)

    # Processes.

    def start(self, node, key, command, environment=None, output=None):
        """`output`: an open file, or a pipe, for standard output; else it goes to the process's log with standard error."""
        environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})}
        with open(self.folder(node) / f"{key}.out", "ab") as log:
            process = subprocess.Popen(
                self.namespaces.inside(node, command), stdin=subprocess.DEVNULL, stdout=output or log, stderr=log,
                start_new_session=True, cwd=self.folder(node), env=environment,
            )
        self.processes[node, key] = process
        return process

    def stop(self, node, *keys, by=signal.SIGTERM, wait=5):
        """Ends processes of a node, together; those which stay for so many seconds are killed. Their exit statuses."""
        ended = [self.processes.pop((node, key)) for key in keys if (node, key) in self.processes]
        return _end(ended, by, wait)

    # Up and down.

    def up(self):
        begun = time.monotonic()
        self.namespaces.up()
        zones.sign(self.folder("keys"))
        for node, here in NODES.items():
            if here["software"] in ROUTERS:
                ROUTERS[here["software"]].start(self, node)
        for node in (*topology.DNS_SITE_ADDRESS, "infra", *CLIENTS.values()):
            dns.start(self, node)
        for node in ("web", "infra", "other"):
            web.start(self, node)
        self.converge()
        return time.monotonic() - begun

    def down(self):
        self.stop_recording()
        _end(list(self.processes.values()), signal.SIGTERM, 1)
        self.processes.clear()
        for pid in [pid for node in NODES for pid in self.namespaces.processes(node)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.namespaces.down()
        shutil.rmtree(self.place, ignore_errors=True)

    def converge(self, seconds=90):
        """Waits until every session is up, every collector has every route, and both clients reach and resolve everything."""
        end, missing = time.monotonic() + seconds, ["everything"]
        while missing:
            if time.monotonic() > end:
                raise RuntimeError(f"the lab does not come up: {', '.join(missing)}")
            time.sleep(0.5)
            missing = self.missing()
        # Advertisement intervals, and late announcements.
        time.sleep(3)

    def missing(self):
        """What is not as it should be; it stops at the first kind."""
        wanted = 2 * len(VANTAGES)
        up = {collector: quietly(self.sessions, collector) for collector in COLLECTORS}
        if wrong := [f"{collector} has {count} of {wanted} sessions" for collector, count in up.items() if count != wanted]:
            return wrong
        routes, all_routes = self.routes()
        if routes < all_routes:
            return [f"{routes} of {all_routes} routes at cbird"]
        if not exabgp.all_well(self):
            return ["health checks of the name servers"]
        servers = [server(key) for key in "abcd" for server in (topology.name_server4, topology.name_server6)]
        for client, node in CLIENTS.items():
            for address in (*servers, topology.WEB4, topology.WEB6, topology.CONTROL_WEB4):
                if "1 received" not in self.namespaces.run(node, ["ping", "-n", "-q", "-c1", "-W1", address], check=False):
                    return [f"{address} from {client}"]
            for name, address in ((f"www.{topology.ZONE}", topology.WEB4), (f"www.{topology.CONTROL_ZONE}", topology.CONTROL_WEB4)):
                if address not in self.resolved(node, name):
                    return [f"{name} at {client}"]
        return []

    def resolved(self, node, name):
        return self.namespaces.run(node, ["dig", "+time=1", "+tries=1", "+short", "@127.0.0.1", name], check=False)

    def sessions(self, collector):
        """How many are established."""
        match NODES[collector]["software"]:
            case "bird":
                return bird.command(self, collector, "show protocols").count("Established")
            case "gobgp":
                return gobgp.command(self, collector, "neighbor").count("Establ")
            case "openbgpd":
                neighbours = json.loads(openbgpd.command(self, collector, "-j", "show", "neighbor"))["neighbors"]
                return sum(neighbour["state"] == "Established" for neighbour in neighbours)
            case _:
                families = json.loads(frr.command(self, collector, "show bgp summary json")).values()
                peers = [peer for family in families if isinstance(family, dict) for peer in family.get("peers", {}).values()]
                return sum(peer["state"] == "Established" for peer in peers)

    def routes(self):
        """The organization's routes which BIRD's collector has, and should have."""
        own = {prefix for group in ("covers", "name servers", "service") for prefix in topology.GROUPS[group]}
        found, prefix = 0, None
        for line in bird.command(self, "cbird", "show route all where source = RTS_BGP").splitlines():
            if "/" in line.split(" ")[0]:
                prefix = line.split()[0]
            found += "unicast [" in line and prefix in own
        return found, len(own) * len(VANTAGES)

    # Recording.

    def record(self):
        for collector in ("cbird", "cfrr"):
            ROUTERS[NODES[collector]["software"]].record(self, collector)
        self._rotation = threading.Event()
        threading.Thread(target=self._rotate, args=(self._rotation,), daemon=True).start()

    def wait_for_tables(self, seconds=90):
        """Until GoBGP and OpenBGPD have dumped one, too; their first ones are empty or come after a minute."""
        end = time.monotonic() + seconds
        whole = lambda collector: any(file.stat().st_size > 1_000 for file in self.archive(collector).glob("rib.*"))
        while not (whole("cgobgp") and whole("copen")) and time.monotonic() < end:
            time.sleep(0.5)

    def _rotate(self, stop):
        while not stop.wait(frr.ROTATION - time.time() % frr.ROTATION):
            quietly(bird.rotate, self, "cbird")

    def stop_recording(self):
        if self._rotation:
            self._rotation.set()
            self._rotation = None
            quietly(frr.command, self, "cfrr", "conf t", "no dump bgp all", "no dump bgp updates-et")
            time.sleep(0.5)


def quietly(work, *arguments):
    """What it gives; `None` while a program is not there to answer."""
    try:
        return work(*arguments)
    except (RuntimeError, ValueError, KeyError, subprocess.TimeoutExpired):
        return None


def _end(processes, by, wait):
    for process in processes:
        if process.poll() is None:
            # A process of its own session is the head of its group.
            os.killpg(process.pid, by)
    end = time.monotonic() + wait
    for process in processes:
        try:
            process.wait(max(0.05, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return [process.returncode for process in processes]
