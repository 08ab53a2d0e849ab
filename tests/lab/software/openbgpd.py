"""OpenBGPD: one process a node. As a collector it dumps updates to MRT from its start on, and its tables every minute."""

import os
import pwd

import topology
from namespaces import run
from topology import NODES

from .frr import HOLD, ROTATION
from .gobgp import TABLES

_GROUPS = {"up": ("provider", "peer"), "collectors": ("collector",), "vantages": ("vantage",)}


def configuration(node, socket, archive=None, drained=()):
    here = NODES[node]
    neighbours = topology.neighbours(node)
    own = here["own4"] + here["own6"]
    lines = [f"AS {here['asn']}", f"router-id {topology.router_id(node)}", f'socket "{socket}"', "fib-update no", f"holdtime {HOLD}"]
    lines += ["connect-retry 2", "log updates"]
    if archive:
        lines.append(f'dump all in "{archive}/updates.%Y%m%d.%H%M%S.mrt" {ROTATION}')
        lines.append(f'dump rib Adj-RIB-In table-v2 "{archive}/rib.%Y%m%d.%H%M%S.mrt" {TABLES}')
    lines += [f"network {prefix}" for prefix in own]
    for group, roles in _GROUPS.items():
        chosen = [neighbour for neighbour in neighbours if neighbour.role in roles]
        if not chosen:
            continue
        sessions = [_session(neighbour, *session) for neighbour in chosen for session in neighbour.sessions()]
        lines += [f'group "{group}" {{', *sessions, "}"]
        lines.append(f"allow {'to' if group == 'collectors' else 'from'} group {group}")
        if group == "up":
            lines += [f"allow to group up prefix {prefix}" for prefix in own]
    lines += [f"deny from group up prefix {prefix}" for prefix in drained]
    return "\n".join(lines) + "\n"


def _session(neighbour, family, local, remote):
    passive = "    passive\n" if neighbour.role == "vantage" else ""
    four, six = ("unicast", "none") if family == "4" else ("none", "unicast")
    return (
        f"  neighbor {remote} {{\n    remote-as {neighbour.asn}\n    local-address {local}\n    descr \"{neighbour.name}-{family}\"\n"
        f"{passive}    announce IPv4 {four}\n    announce IPv6 {six}\n  }}"
    )


def socket(lab, node):
    return f"{lab.folder(node)}/bgpd.sock"


def _write(lab, node, drained=()):
    archive = lab.archive(node) if NODES[node].get("collector") else None
    file = lab.write(node, "bgpd.conf", configuration(node, socket(lab, node), archive, drained))
    # It takes no file which others can read.
    os.chmod(file, 0o600)
    return file


def start(lab, node):
    # Debian's init script would make the folder in which the program locks itself.
    os.makedirs(pwd.getpwnam("_openbgpd").pw_dir, exist_ok=True)
    lab.start(node, "openbgpd", ["/usr/sbin/bgpd", "-d", "-f", _write(lab, node)])


def command(lab, node, *words):
    return run(["bgpctl", "-s", socket(lab, node), *words])


def drain(lab, node, prefixes):
    """Takes these prefixes from nobody; none: from everybody again."""
    _write(lab, node, prefixes)
    command(lab, node, "reload")
