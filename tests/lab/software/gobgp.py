"""GoBGP: one process a node. As a collector it dumps to MRT from its start on; to BMP stations it is told to connect while it runs."""

import topology
from topology import NODES

from .frr import HOLD, KEEPALIVE, ROTATION

# GoBGP takes no shorter one.
TABLES = 60


def configuration(node, archive=None):
    here = NODES[node]
    neighbours = topology.neighbours(node)
    collectors = [address for each in neighbours if each.role == "collector" for address in (f"{each.remote4}/32", f"{each.remote6}/128")]
    lines = [
        *("[global.config]", f"as = {here['asn']}", f'router-id = "{topology.router_id(node)}"'),
        *("[global.apply-policy.config]", 'export-policy-list = ["export"]'),
        *('default-import-policy = "accept-route"', 'default-export-policy = "reject-route"'),
        *("[[defined-sets.neighbor-sets]]", 'neighbor-set-name = "collectors"', f"neighbor-info-list = {collectors}"),
    ]
    for family in "46":
        lines += ["[[defined-sets.prefix-sets]]", f'prefix-set-name = "own{family}"']
        for prefix in here[f"own{family}"]:
            lines += ["[[defined-sets.prefix-sets.prefix-list]]", f'ip-prefix = "{prefix}"']
    lines += ["[[policy-definitions]]", 'name = "export"']
    if collectors:
        lines += _statement("to-collectors", "neighbor", "collectors")
    if here["own4"]:
        lines += [*_statement("own4", "prefix", "own4"), *_statement("own6", "prefix", "own6")]
    if not collectors and not here["own4"]:
        lines += ["[[policy-definitions.statements]]", 'name = "nothing"']
        lines += ["[policy-definitions.statements.actions]", 'route-disposition = "reject-route"']
    if archive:
        lines += _dump("updates", f"{archive}/updates.20060102.150405.mrt", f"rotation-interval = {ROTATION}")
        lines += _dump("table", f"{archive}/rib.appended.mrt", f"dump-interval = {TABLES}")
    for neighbour in neighbours:
        for family, local, remote in neighbour.sessions():
            lines += _session(neighbour, family, local, remote)
    return "\n".join(lines) + "\n"


def _statement(name, kind, of):
    return [
        *("[[policy-definitions.statements]]", f'name = "{name}"'),
        *(f"[policy-definitions.statements.conditions.match-{kind}-set]", f'{kind}-set = "{of}"', 'match-set-options = "any"'),
        *("[policy-definitions.statements.actions]", 'route-disposition = "accept-route"'),
    ]


def _dump(kind, file, interval):
    return ["[[mrt-dump]]", "[mrt-dump.config]", f'dump-type = "{kind}"', f'file-name = "{file}"', interval]


def _session(neighbour, family, local, remote):
    return [
        *("[[neighbors]]", "[neighbors.config]", f"peer-as = {neighbour.asn}", f'neighbor-address = "{remote}"'),
        *("[neighbors.timers.config]", "connect-retry = 2", f"hold-time = {HOLD}", f"keepalive-interval = {KEEPALIVE}"),
        "idle-hold-time-after-reset = 2",
        *("[neighbors.transport.config]", f'local-address = "{local}"'),
        *(["passive-mode = true"] if neighbour.role == "vantage" else []),
        *("[[neighbors.afi-safis]]", "[neighbors.afi-safis.config]", f'afi-safi-name = "ipv{family}-unicast"'),
    ]


def start(lab, node):
    archive = lab.archive(node) if NODES[node].get("collector") else None
    lab.start(node, "gobgpd", ["/usr/bin/gobgpd", "-f", lab.write(node, "gobgpd.toml", configuration(node, archive)), "--log-plain"])


def command(lab, node, *words, check=True):
    return lab.namespaces.run(node, ["gobgp", *words], check=check)


def connect(lab, node):
    """To the BMP stations, now; by itself it would wait longer each time."""
    policy = "all" if NODES[node].get("vantage") else "pre"
    for client in topology.CLIENTS.values():
        station = f"{topology.lan4(client)}:{topology.BMP_PORT}"
        command(lab, node, "bmp", "del", station, check=False)
        command(lab, node, "bmp", "add", station, policy)


def drain(lab, node, prefixes):
    """Takes these prefixes from nobody; none: from everybody again."""
    for family in "46":
        of = [prefix for prefix in prefixes if (":" in prefix) == (family == "6")]
        name = f"drain{family}"
        if of:
            command(lab, node, "policy", "prefix", "add", name, of[0])
            for prefix in of[1:]:
                command(lab, node, "policy", "prefix", "add", name, prefix)
            command(lab, node, "policy", "statement", "add", name)
            command(lab, node, "policy", "statement", name, "add", "condition", "prefix", name)
            command(lab, node, "policy", "statement", name, "add", "action", "reject")
            command(lab, node, "policy", "add", name, name)
            command(lab, node, "global", "policy", "import", "add", name)
        elif not prefixes:
            command(lab, node, "global", "policy", "import", "del", name, check=False)
    command(lab, node, "neighbor", "all", "softresetin")
