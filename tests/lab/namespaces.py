"""Network namespaces: one a node, veth pairs as cables, a bridge as the LAN of collectors and vantage points. Needs root and Debian's iproute2.

Names begin with the lab's own, so that several labs can stand beside each other and none touches what is not its own.
"""

import os
import subprocess

import topology
from topology import CLIENTS, COLLECTORS, LINKS, NODES, VANTAGES

# Forwarding, no check of the way back (two legs of a host are two ways), addresses usable at once.
_KERNEL = """
for kind in all default; do
    echo 0 > /proc/sys/net/ipv4/conf/$kind/rp_filter
    echo 0 > /proc/sys/net/ipv6/conf/$kind/accept_dad
    echo 1 > /proc/sys/net/ipv6/conf/$kind/forwarding
done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind
"""


def run(command, check=True, text=None, timeout=60):
    """A command's standard output."""
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=timeout)
    if check and done.returncode:
        raise RuntimeError(f"{command}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Namespaces:
    """The namespaces of one lab."""

    def __init__(self, lab):
        self.lab = lab

    def name(self, node):
        return f"{self.lab}-{node}"

    def inside(self, node, command):
        """The command which runs another inside of a node."""
        return ["nsenter", f"--net=/run/netns/{self.name(node)}", *map(str, command)]

    def run(self, node, command, **more):
        return run(self.inside(node, command), **more)

    def exists(self, node):
        return os.path.exists(f"/run/netns/{self.name(node)}")

    def up(self):
        for node in NODES:
            run(["ip", "netns", "add", self.name(node)])
        cables = [
            f"link add {link.interface[link.a]} netns {self.name(link.a)} type veth peer name {link.interface[link.b]} netns {self.name(link.b)}"
            for link in LINKS
        ]
        legs = [*VANTAGES, *COLLECTORS, *CLIENTS.values()]
        cables += [f"link add lan0 netns {self.name(node)} type veth peer name p-{node} netns {self.name('ix')}" for node in legs]
        run(["ip", "-batch", "-"], text="\n".join(cables) + "\n")
        for node in NODES:
            self.run(node, ["sh", "-c", _KERNEL])
            for family, lines in (("-4", _lines(node, legs, 4)), ("-6", _lines(node, legs, 6))):
                run(["ip", family, "-netns", self.name(node), "-batch", "-"], text="\n".join(lines) + "\n")

    def down(self):
        """Takes all of it away; processes inside must be gone."""
        for node in NODES:
            if self.exists(node):
                run(["ip", "netns", "delete", self.name(node)], check=False)

    def processes(self, node):
        return [int(pid) for pid in run(["ip", "netns", "pids", self.name(node)], check=False).split()] if self.exists(node) else []

    def set_link(self, node, other, state):
        self.run(node, ["ip", "link", "set", f"to-{other}", state])


def _lines(node, legs, family):
    """What `ip -batch` is told for a node: interfaces, addresses, routes which no router makes."""
    pick = lambda four, six: four if family == 4 else six
    end = pick("", " nodad")
    lines = ["link set lo up"]
    for link in LINKS:
        if node in (link.a, link.b):
            address = pick(f"{link.address4[node]}/30", f"{link.address6[node]}/64")
            lines += [f"link set {link.interface[node]} up", f"address add {address} dev {link.interface[node]}{end}"]
    if node == "ix":
        lines += pick(["link add br0 type bridge", *(f"link set p-{leg} master br0" for leg in legs)], [])
        lines += ["link set br0 up", *(f"link set p-{leg} up" for leg in legs)]
    if node in legs:
        lines += ["link set lan0 up", f"address add {pick(topology.lan4(node) + '/24', topology.lan6(node) + '/64')} dev lan0{end}"]
    lines += [f"address add {address}/{pick(32, 128)} dev lo{end}" for address in _addresses(node, family)]
    return lines + _routes(node, family)


def _addresses(node, family):
    """Addresses of a node which are on no cable."""
    key = f"address{family}"
    own = [NODES[node][key]] if key in NODES[node] else []
    web = [topology.WEB4 if family == 4 else topology.WEB6]
    if node in topology.DNS_SITE_ADDRESS:
        servers = [topology.name_server4(key) if family == 4 else topology.name_server6(key) for key in "abcd"]
        return servers + ([topology.DNS_SITE_ADDRESS[node]] if family == 4 else [])
    special = {
        "bb": [topology.DATA_CENTRE_ADDRESS] if family == 4 else [],
        "infra": own + ([topology.CONTROL_WEB4] if family == 4 else []),
        # Who announces another's prefix answers at its address, too.
        "web": web,
        "other": web,
    }
    return special.get(node, own)


def _routes(node, family):
    """Static routes: hosts' ways out, and at edge1 what FRR announces (BIRD at edge2 makes its own)."""
    address = lambda a, b, end: (topology.link(a, b).address4 if family == 4 else topology.link(a, b).address6)[end]
    if node == "bb" and family == 4:
        return [f"route add blackhole {topology.DATA_CENTRE4}"]
    if node in ("dns1", "dns2"):
        edge = f"edge{node[-1]}"
        return [f"route add default via {address(edge, node, edge)}"]
    if node == "web":
        return [f"route add default via {address(edge, 'web', edge)} metric {metric}" for edge, metric in (("edge1", 10), ("edge2", 20))]
    if node in CLIENTS.values():
        # What no route is known for goes to the upstream, as everywhere; it says that it has none either.
        upstream = topology.neighbours(node)[0].name
        return [f"route add default via {address(upstream, node, upstream)} src {_addresses(node, family)[0]} metric 4000"]
    if node == "edge1":
        covers, service = (topology.COVER4, topology.SERVICE4) if family == 4 else (topology.COVER6, topology.SERVICE6)
        return [*(f"route add blackhole {cover}" for cover in covers), f"route add {service} via {address('edge1', 'web', 'web')}"]
    return []
