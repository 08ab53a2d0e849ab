"""BIRD: one process a node. As a collector it dumps to MRT; it has no rotation of its own, so the file's name is changed in its configuration."""

import time

import topology
from namespaces import run
from topology import NODES

from .frr import HOLD, KEEPALIVE

_PREFERENCE = {"customer": (200, 100), "peer": (150, 200), "provider": (100, 300)}
_IMPORT = {
    "customer": "filter imp_customer", "peer": "filter imp_peer", "provider": "filter imp_provider", "client": "filter imp_client",
    "inside": "all", "collector": "none", "vantage": "all",
}
_EXPORT = {
    "customer": "filter exp_all", "collector": "filter exp_all", "inside": "filter exp_all", "peer": "filter exp_own",
    "provider": "filter exp_own", "client": "none", "vantage": "none",
}
_TAG = "bgp_large_community.add((MYAS,1,100)); "


def configuration(node, log, archive=None, drained=()):
    """`archive`: the file to which a collector dumps. `drained`: prefixes which are not taken from anybody."""
    here = NODES[node]
    lines = [
        f'log "{log}" all;',
        *("timeformat log iso long us;", "timeformat protocol iso long us;"),
        f"router id {topology.router_id(node)};",
        f"define MYAS = {here['asn']};",
        *("protocol device { scan time 5; }", "protocol direct { ipv4; ipv6; }"),
    ]
    if archive:
        lines += [f'mrtdump "{archive}";', "mrtdump protocols { states, messages };"]
    else:
        lines += [line for family in "46" for line in [_kernel(here, family), *_own(node, family)]]
    lines += _filters(node, drained)
    for neighbour in topology.neighbours(node):
        for family, local, remote in neighbour.sessions():
            lines.append(_session(node, neighbour, family, local, remote))
    return "\n".join(lines) + "\n"


def _kernel(here, family):
    source = f"krt_prefsrc = {here[f'address{family}']};" if f"address{family}" in here else ""
    return (
        f"protocol kernel kernel{family} {{ ipv{family} {{ import none; export filter {{ "
        f"if source ~ [RTS_BGP, RTS_STATIC] then {{ {source} accept; }} reject; }}; }}; }}"
    )


def _own(node, family):
    """What a node announces. Protocols which a case switches: service (announced) and inside (known inside only), hijack."""
    service = topology.SERVICE4 if family == "4" else topology.SERVICE6
    static = lambda name, channel, routes: f"protocol static {name}{family} {{ {channel} {routes} }}"
    tagged = f"ipv{family} {{ import filter {{ {_TAG}accept; }}; }};"
    routes = [f"route {prefix} blackhole;" for prefix in NODES[node][f"own{family}"] if prefix != service]
    lines = [static("own", tagged, " ".join(routes))]
    if node == "edge2":
        link = topology.link("edge2", "web")
        route = f"route {service} via {(link.address4 if family == '4' else link.address6)['web']};"
        lines += [static("service", tagged, route), static("inside", f"disabled; ipv{family};", route)]
    if node == "other":
        route = f"route {topology.HIJACKED4 if family == '4' else topology.HIJACKED6} blackhole;"
        lines.append(static("hijack", f"disabled; {tagged}", route))
    return lines


def _filters(node, drained):
    lines = []
    refuse = "".join(_reject(family, [prefix for prefix in drained if (":" in prefix) == (family == "6")]) for family in "46")
    for name, (preference, tag) in _PREFERENCE.items():
        space = ""
        if node == "edge2" and name == "provider":
            # The organization never takes its own space from outside.
            space = _reject("4", ["198.18.0.0/16+"]) + _reject("6", ["2001:db8:8000::/33+"])
        lines.append(
            f"filter imp_{name} {{ {space}{refuse}bgp_large_community.delete([(*,*,*)]); "
            f"bgp_large_community.add((MYAS,1,{tag})); bgp_local_pref = {preference}; accept; }}"
        )
    return lines + [
        f"filter imp_client {{ {_TAG}accept; }}",
        "filter exp_own { if (MYAS,1,100) ~ bgp_large_community then accept; reject; }",
        # The path over t2 is the longer one.
        "filter exp_prepended { if (MYAS,1,100) ~ bgp_large_community then { bgp_path.prepend(MYAS); bgp_path.prepend(MYAS); accept; } reject; }",
        "filter exp_all { if source = RTS_DEVICE then reject; accept; }",
    ]


def _reject(family, prefixes):
    return f"if net.type = NET_IP{family} then {{ if net ~ [{', '.join(prefixes)}] then reject; }} " if prefixes else ""


def _session(node, neighbour, family, local, remote):
    role = neighbour.role
    export = "filter exp_prepended" if (node, neighbour.name) == ("edge2", "t2") else _EXPORT[role]
    options = {"vantage": "passive on; mrtdump all; ", "client": "rr client; "}.get(role, "")
    next_hop = " next hop self;" if role == "inside" else ""
    return (
        f"protocol bgp {neighbour.name}_{family} {{ local {local} as {NODES[node]['asn']}; neighbor {remote} as {neighbour.asn}; "
        f"hold time {HOLD}; startup hold time {HOLD}; keepalive time {KEEPALIVE}; connect delay time 1; connect retry time 2; "
        f"error wait time 1, 3; {options}ipv{family} {{ import {_IMPORT[role]}; export {export};{next_hop} }}; }}"
    )


def _write(lab, node, drained=()):
    archive = None
    if NODES[node].get("collector"):
        archive = f"{lab.archive(node)}/updates.{time.strftime('%Y%m%d.%H%M%S', time.gmtime())}.mrt"
    return lab.write(node, "bird.conf", configuration(node, f"{lab.folder(node)}/bird.log", archive, drained))


def start(lab, node):
    lab.start(node, "bird", ["/usr/sbin/bird", "-f", "-c", _write(lab, node), "-s", f"{lab.folder(node)}/bird.ctl"])


def command(lab, node, words):
    return run(["birdc", "-s", f"{lab.folder(node)}/bird.ctl", words])


def record(lab, node):
    """The table at once, a file for each family."""
    for family in "46":
        command(lab, node, f'mrt dump table "master{family}" to "{lab.archive(node)}/rib.v{family}.mrt"')


def rotate(lab, node):
    """A new file of updates; nothing is lost."""
    _write(lab, node)
    command(lab, node, "configure")


def drain(lab, node, prefixes):
    """Takes these prefixes from nobody; none: from everybody again."""
    _write(lab, node, prefixes)
    command(lab, node, "configure")
