"""FRR: zebra and bgpd of a node. As a collector it dumps to MRT when told to; where the topology says so it speaks BMP."""

import os
import time

import topology
from namespaces import run
from topology import NODES

HOLD, KEEPALIVE = 9, 3
ROTATION = 30

_PREFERENCE = {"CUSTOMER": (200, 100), "PEER": (150, 200), "PROVIDER": (100, 300)}
_IMPORT = {"customer": "IMP-CUSTOMER", "peer": "IMP-PEER", "provider": "IMP-PROVIDER", "client": "OWN", "collector": "NONE"}
_EXPORT = {"customer": "ALL", "collector": "ALL", "peer": "EXP-OWN", "provider": "EXP-OWN", "client": "NONE", "vantage": "NONE"}


def configuration(node, log):
    return "\n".join([f"hostname {node}", f"log file {log} debugging", "log timestamp precision 6", *_maps(node), *_bgp(node)]) + "\n"


def _maps(node):
    """Route maps must stand before `router bgp`: one which is not there yet when the session comes up denies everything."""
    asn = NODES[node]["asn"]
    lines = [
        f"bgp large-community-list standard OWN permit {asn}:1:100",
        *("route-map NONE deny 10", "route-map ALL permit 10", "route-map EXP-OWN permit 10", " match large-community OWN"),
        *("route-map OWN permit 10", f" set large-community {asn}:1:100", "route-map INSIDE permit 10", " set community no-export"),
    ]
    if node == "edge1":
        # The organization never takes its own space from outside.
        lines += [
            *("ip prefix-list SPACE permit 198.18.0.0/16 le 32", "ipv6 prefix-list SPACE6 permit 2001:db8:8000::/33 le 128"),
            *("route-map IMP-PROVIDER deny 5", " match ip address prefix-list SPACE"),
            *("route-map IMP-PROVIDER deny 6", " match ipv6 address prefix-list SPACE6"),
        ]
    for name, (preference, tag) in _PREFERENCE.items():
        lines += [f"route-map IMP-{name} permit 10", f" set local-preference {preference}", f" set large-community {asn}:1:{tag}"]
    return [*lines, "exit"]


def _bgp(node):
    here = NODES[node]
    neighbours = topology.neighbours(node)
    lines = [
        f"router bgp {here['asn']}",
        f" bgp router-id {topology.router_id(node)}",
        *(" no bgp ebgp-requires-policy", " no bgp default ipv4-unicast", " no bgp network import-check", " no bgp enforce-first-as"),
        f" timers bgp {KEEPALIVE} {HOLD}",
    ]
    if here.get("collector"):
        lines.append(" bgp graceful-restart-disable")
    for neighbour in neighbours:
        for _, _, remote in neighbour.sessions():
            lines += [
                f" neighbor {remote} remote-as {neighbour.asn}",
                f" neighbor {remote} description {neighbour.name}",
                f" neighbor {remote} timers connect 1",
                f" neighbor {remote} advertisement-interval {here.get('interval', 0)}",
            ]
            if neighbour.role == "vantage":
                lines.append(f" neighbor {remote} passive")
    for family in "46":
        lines += _family(node, family, neighbours)
    return lines + (_bmp(node) if here.get("bmp") else [])


def _family(node, family, neighbours):
    lines = [f" address-family ipv{family} unicast"]
    lines += [f"  network {prefix} route-map OWN" for prefix in NODES[node][f"own{family}"]]
    if node == "bb" and family == "4":
        lines.append(f"  network {topology.DATA_CENTRE4} route-map INSIDE")
    for neighbour in neighbours:
        remote = neighbour.remote4 if family == "4" else neighbour.remote6
        lines.append(f"  neighbor {remote} activate")
        lines += {
            "inside": [f"  neighbor {remote} next-hop-self force"],
            "client": [f"  neighbor {remote} route-reflector-client"],
        }.get(neighbour.role, [])
        if NODES[node].get("bmp"):
            # Without it bgpd keeps no table of what came in: BMP tells an empty one, and a withdrawal for every update.
            lines.append(f"  neighbor {remote} soft-reconfiguration inbound")
        for maps, way in ((_IMPORT, "in"), (_EXPORT, "out")):
            if neighbour.role in maps:
                lines.append(f"  neighbor {remote} route-map {maps[neighbour.role]} {way}")
    return [*lines, " exit-address-family"]


def _bmp(node):
    policies = ["pre-policy", "post-policy"] if node == "v1" else ["pre-policy"]
    monitors = [f"  bmp monitor ipv{family} unicast {policy}" for policy in policies for family in "46"]
    stations = [topology.lan4(client) for client in topology.CLIENTS.values()]
    connects = [f"  bmp connect {station} port {topology.BMP_PORT} min-retry 500 max-retry 2000" for station in stations]
    return [" bmp targets lab", "  bmp stats interval 10000", *monitors, *connects, " exit"]


def start(lab, node):
    folder = lab.folder(node)
    zebra = lab.write(node, "zebra.conf", f"hostname {node}\nlog file {folder}/zebra.log informational\n")
    bgpd = lab.write(node, "bgpd.conf", configuration(node, f"{folder}/bgpd.log"))
    both = ["-z", f"{folder}/zserv.api", "--vty_socket", folder, "-u", "frr", "-g", "frr"]
    lab.start(node, "zebra", ["/usr/lib/frr/zebra", "-f", zebra, "-i", f"{folder}/zebra.pid", *both])
    for _ in range(250):
        if os.path.exists(f"{folder}/zserv.api"):
            break
        time.sleep(0.02)
    bmp = ["-M", "bmp"] if NODES[node].get("bmp") else []
    lab.start(node, "bgpd", ["/usr/lib/frr/bgpd", "-f", bgpd, "-i", f"{folder}/bgpd.pid", *both, *bmp])


def command(lab, node, *commands, check=True):
    words = [word for command in commands for word in ("-c", command)]
    return run(["vtysh", "--vty_socket", str(lab.folder(node)), "-d", "bgpd", *words], check=check)


def record(lab, node):
    """The table at once; then updates and state changes by the second, and updates again by the microsecond."""
    command(lab, node, "conf t", f"dump bgp routes-mrt {_to(lab, node, 'rib')}")
    dump(lab, node)


def _to(lab, node, name):
    return f"{lab.archive(node)}/{name}.%Y%m%d.%H%M%S.mrt"


def dump(lab, node):
    to = lambda name: _to(lab, node, name)
    command(lab, node, "conf t", f"dump bgp all {to('all')} {ROTATION}", f"dump bgp updates-et {to('updates-et')} {ROTATION}")


def drain(lab, node, prefixes):
    """Takes these prefixes from nobody; none: from everybody again."""
    lines = ["conf t"]
    for family, number in (("4", 1), ("6", 2)):
        ip = "ip" if family == "4" else "ipv6"
        of = [prefix for prefix in prefixes if (":" in prefix) == (family == "6")]
        if of:
            lines += [f"{ip} prefix-list DRAIN{family} permit {prefix}" for prefix in of]
            lines += [f"route-map IMP-PROVIDER deny {number}", f"match {ip} address prefix-list DRAIN{family}", "exit"]
        elif not prefixes:
            lines += [f"no route-map IMP-PROVIDER deny {number}"]
    command(lab, node, *lines)
    command(lab, node, "clear bgp * soft in")
