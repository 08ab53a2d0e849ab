"""ExaBGP: the sites of name servers, which announce them while its own health check finds the data centre; and the AS which only makes churn."""

from pathlib import Path

import topology

from .frr import HOLD

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
# Name server a alone, and the others: so that one can be withdrawn by itself.
GROUPS = {"a": "a", "bcd": "bcd"}
_ENVIRONMENT = {
    "exabgp.daemon.user": "root", "exabgp.tcp.bind": "", "exabgp.api.cli": "false",
    "exabgp.log.destination": "stdout", "exabgp.cache.attributes": "false",
}


def start(lab, node):
    if node == "noise":
        text = _neighbours(node, f"process churn {{ run {PYTHON} {HERE}/churn.py; encoder text; }}\n", ["churn"], lambda *_: "")
    else:
        text = _site(lab, node)
    lab.start(node, "exabgp", [PYTHON, "-m", "exabgp", lab.write(node, "exabgp.conf", text)], environment=_ENVIRONMENT)


def _neighbours(node, text, processes, routes):
    neighbour = topology.neighbours(node)[0]
    for family, local, remote in neighbour.sessions():
        text += (
            f"neighbor {remote} {{\n  router-id {topology.router_id(node)}; local-address {local}; local-as {topology.NODES[node]['asn']}; "
            f"peer-as {neighbour.asn}; hold-time {HOLD};\n  family {{ ipv{family} unicast; }}\n  api {{ processes [ {', '.join(processes)} ]; }}\n"
            f"{routes(family, local)}}}\n"
        )
    return text


def _site(lab, node):
    folder, own = lab.folder(node), topology.DNS_SITE_ADDRESS[node]
    check = lab.write(node, "check.sh", f"exec ping -n -q -c1 -W1 -I {own} {topology.DATA_CENTRE_ADDRESS} >/dev/null 2>&1\n")
    state = lab.write(node, "state.sh", 'echo "$(date +%s.%N) ${STATE:-?}" >> "$1"\n')
    text, processes = "", []
    for group, keys in GROUPS.items():
        for family, prefixes in (("4", topology.NS4), ("6", topology.NS6)):
            name = f"{group}{family}"
            lines = [
                *("no-syslog", f"name={name}", "no-ip-setup", "withdraw-on-down", "interval=1", "fast-interval=0.5", "timeout=2"),
                *("rise=3", "fall=3", "increase=0", "community=64500:53", *(f"ip={prefixes[key]}" for key in keys)),
                *(f"disable={folder}/disable.{group}", f"command=sh {check}", f"execute=sh {state} {folder}/health.{name}"),
            ]
            file = lab.write(node, f"{name}.conf", "\n".join(lines) + "\n")
            text += f"process {name} {{ run {PYTHON} -m exabgp healthcheck --config {file}; encoder text; }}\n"
            processes.append(name)
    inside = lambda family, local: f"  static {{ route {own}/32 next-hop {local} community [ no-export ]; }}\n" if family == "4" else ""
    return _neighbours(node, text, processes, inside)


def health(lab, since=0.0):
    """What the health checks of both sites found: time, site, group with family, state."""
    found = []
    for site in topology.DNS_SITE_ADDRESS:
        for file in Path(lab.folder(site)).glob("health.*"):
            rows = [line.split() for line in file.read_text().splitlines()]
            found += [(float(at), site, file.suffix[1:], state) for at, state in rows if float(at) >= since]
    return sorted(found)


def all_well(lab):
    newest = {(site, group): state for _, site, group, state in health(lab)}
    return len(newest) == 8 and set(newest.values()) == {"UP"}
