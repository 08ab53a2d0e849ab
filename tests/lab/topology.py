"""The lab's Internet: nodes with their programs, links with their business relations, and prefixes.

Addresses and AS numbers are those which are set aside for documentation, tests and private use. Nothing here does anything.
"""

import ipaddress

ORG_ASN = 64500
COLLECTOR_ASN = 64499
BMP_PORT = 11019

# The organization.
COVER4 = ["198.18.0.0/17", "198.18.128.0/17"]
COVER6 = ["2001:db8:8000::/33"]
NS4 = {"a": "198.18.30.0/24", "b": "198.18.31.0/24", "c": "198.18.218.0/24", "d": "198.18.219.0/24"}
NS6 = {"a": "2001:db8:f030::/48", "b": "2001:db8:f031::/48", "c": "2001:db8:f218::/48", "d": "2001:db8:f219::/48"}
SERVICE4 = "198.18.64.0/22"
SERVICE6 = "2001:db8:face::/48"
WEB4, WEB6 = "198.18.64.80", "2001:db8:face::80"
# Known inside of the organization only.
DATA_CENTRE4, DATA_CENTRE_ADDRESS = "198.18.96.0/19", "198.18.96.1"
DNS_SITE_ADDRESS = {"dns1": "198.18.40.1", "dns2": "198.18.40.2"}
ZONE, CONTROL_ZONE = "megacorp.example", "control.example"

# Everybody else.
ROOT4, ROOT6, CONTROL_WEB4 = "198.19.53.53", "2001:db8:53::53", "198.19.53.80"
OTHER4, OTHER6 = "198.19.66.0/24", "2001:db8:66::/48"
HIJACKED4, HIJACKED6 = "198.18.64.0/24", "2001:db8:face::/49"

# What a case may name as withdrawn.
GROUPS = {
    "name servers": [*NS4.values(), *NS6.values()],
    "service": [SERVICE4, SERVICE6],
    "covers": [*COVER4, *COVER6],
    "IPv6": [*COVER6, *NS6.values(), SERVICE6],
    "IPv4": [*COVER4, *NS4.values(), SERVICE4],
    "other organization": [OTHER4, OTHER6],
}


def name_server4(key):
    return NS4[key].rsplit(".", 1)[0] + ".12"


def name_server6(key):
    return NS6[key].split("/")[0] + "12"


NODES = {}


def node(name, software, asn=None, own=None, own4=(), own6=(), **more):
    """`own`: the number of its only prefix in each family."""
    if own:
        own4, own6 = [f"198.19.{own}.0/24"], [f"2001:db8:{own}::/48"]
    NODES[name] = dict(software=software, asn=asn, own4=list(own4), own6=list(own6), index=len(NODES) + 1, **more)


# The organization: a data centre behind two edges, two sites of name servers which watch the backbone, a web server at both edges.
node("bb", "frr", ORG_ASN)
node("edge1", "frr", ORG_ASN, own4=[*COVER4, SERVICE4], own6=[*COVER6, SERVICE6])
node("edge2", "bird", ORG_ASN, own4=[*COVER4, SERVICE4], own6=[*COVER6, SERVICE6])
node("dns1", "exabgp", ORG_ASN)
node("dns2", "exabgp", ORG_ASN)
node("web", "host")
# Transits: t1, t2 and t4 are a full mesh of peers; t3 is an island which reaches the organization by its own session only.
node("t1", "frr", 64501, own=101, interval=1)
node("t2", "bird", 64502, own=102)
node("t3", "frr", 64503, own=103)
node("t4", "bird", 65551, own=104)
node("m1", "bird", 64504, own=111)
node("m2", "frr", 65540, own=112, interval=2)
# Vantage points: peers of every collector, over IPv4 and IPv6; v5 and v6 are behind the island.
node("v1", "frr", 64505, own=121, lan=1, vantage=True, bmp=True)
node("v2", "bird", 64506, own=122, lan=2, vantage=True)
node("v3", "gobgp", 64507, own=123, lan=3, vantage=True, bmp=True)
node("v4", "openbgpd", 64508, own=124, lan=4, vantage=True)
node("v5", "frr", 64509, own=125, lan=5, vantage=True, bmp=True)
node("v6", "bird", 65541, own=126, lan=6, vantage=True)
# Clients: a resolver and probes each. Their leg on the LAN is for BMP alone.
node("ca", "bird", 64510, own4=["198.19.10.0/24"], own6=["2001:db8:10::/48"], address4="198.19.10.53", address6="2001:db8:10::53", lan=110)
node("cb", "bird", 65542, own4=["198.19.20.0/24"], own6=["2001:db8:20::/48"], address4="198.19.20.53", address6="2001:db8:20::53", lan=111)
# The root, the zone above and the controls; another organization, which announces what is not its own if told to; churn.
node("infra", "bird", 64496, own4=["198.19.53.0/24"], own6=["2001:db8:53::/48"], address4=ROOT4, address6=ROOT6)
node("other", "bird", 64511, own4=[OTHER4], own6=[OTHER6])
node("noise", "exabgp", 64497)
# Collectors, and the bridge which they share with vantage points.
node("cbird", "bird", COLLECTOR_ASN, lan=101, collector=True)
node("cfrr", "frr", COLLECTOR_ASN, lan=102, collector=True, bmp=True)
node("cgobgp", "gobgp", COLLECTOR_ASN, lan=103, collector=True, bmp=True)
node("copen", "openbgpd", COLLECTOR_ASN, lan=104, collector=True)
node("ix", "bridge")

VANTAGES = [name for name, node in NODES.items() if node.get("vantage")]
COLLECTORS = [name for name, node in NODES.items() if node.get("collector")]
CLIENTS = {"client-a": "ca", "client-b": "cb"}

# What the second is for the first: customer, peer, inside (of the organization), client (of the route reflector), or no BGP at all.
_LINKS = """
bb edge1 inside, bb edge2 inside, edge1 edge2 inside, edge1 dns1 client, edge2 dns2 client, edge1 web none, edge2 web none,
t1 edge1 customer, t2 edge2 customer, t3 edge2 customer, t1 t2 peer, t1 t4 peer, t2 t4 peer, t1 m1 customer, t4 m1 customer,
t2 m2 customer, t4 m2 customer, m1 m2 peer, t1 v1 customer, m1 v1 customer, t4 v2 customer, m1 v2 customer, t2 v3 customer,
m2 v3 customer, m1 v4 customer, m2 v4 customer, t3 v5 customer, t3 v6 customer, m1 ca customer, t3 cb customer, t1 infra customer,
t2 infra customer, t3 infra customer, m2 other customer, t2 noise customer
"""
_SEEN_FROM_THE_OTHER_SIDE = {"customer": "provider", "client": "reflector"}


class Link:
    """A cable, with an address of each family at both ends."""

    def __init__(self, number, a, b, relation):
        self.a, self.b, self.relation = a, b, relation
        base = ipaddress.IPv4Address("10.200.0.0") + 4 * number
        self.address4 = {a: str(base + 1), b: str(base + 2)}
        self.address6 = {a: f"fd00:c8:{number:x}::1", b: f"fd00:c8:{number:x}::2"}
        self.interface = {a: f"to-{b}", b: f"to-{a}"}


LINKS = [Link(number, *text.split()) for number, text in enumerate(_LINKS.split(","))]


def link(a, b):
    return next(link for link in LINKS if {link.a, link.b} == {a, b})


def lan4(name):
    return f"192.0.2.{NODES[name]['lan']}"


def lan6(name):
    return f"2001:db8:ffff::{NODES[name]['lan']}"


def router_id(name):
    return f"10.255.0.{NODES[name]['index']}"


class Neighbour:
    """A BGP neighbour as one node sees it: a session over each family."""

    def __init__(self, name, role, local4, remote4, local6, remote6):
        self.name, self.role, self.asn = name, role, NODES[name]["asn"]
        self.local4, self.remote4, self.local6, self.remote6 = local4, remote4, local6, remote6

    def sessions(self):
        """Family, own address, the neighbour's address."""
        return [("4", self.local4, self.remote4), ("6", self.local6, self.remote6)]


def neighbours(name):
    found = []
    for link in LINKS:
        if name not in (link.a, link.b) or link.relation == "none":
            continue
        other = link.b if name == link.a else link.a
        role = link.relation if name == link.a else _SEEN_FROM_THE_OTHER_SIDE.get(link.relation, link.relation)
        found.append(Neighbour(other, role, link.address4[name], link.address4[other], link.address6[name], link.address6[other]))
    on_the_lan = [(COLLECTORS, "collector")] if name in VANTAGES else [(VANTAGES, "vantage")] if name in COLLECTORS else []
    for others, role in on_the_lan:
        found += [Neighbour(other, role, lan4(name), lan4(other), lan6(name), lan6(other)) for other in others]
    return found
