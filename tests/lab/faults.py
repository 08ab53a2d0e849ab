"""What a case may break: for each fault how it is broken, and how it is repaired."""

import signal
import time

import topology
from software import bird, dns, frr, gobgp, openbgpd, web

_TRANSITS = {"edge1": ["t1"], "edge2": ["t2", "t3"]}


def _backbone(lab, works):
    for edge in ("edge1", "edge2"):
        lab.namespaces.set_link("bb", edge, "up" if works else "down")


def _answers_500(lab, works):
    mark = lab.folder("web") / "broken"
    mark.unlink() if works else mark.touch()


def _web_server(lab, works):
    web.start(lab, "web") if works else lab.stop("web", "nginx")


def _name_servers(lab, works):
    for site in topology.DNS_SITE_ADDRESS:
        dns.serve(lab, site) if works else lab.stop(site, "dns")


def _signatures(lab, works):
    """The zone's signatures have expired; each site serves on meanwhile, but for a moment."""
    for site in topology.DNS_SITE_ADDRESS:
        dns.publish(lab, site, "good" if works else "expired")
        lab.stop(site, "dns")
        dns.serve(lab, site)


def _sessions(lab, works, transits, families):
    """The organization's sessions with these transits."""
    for edge, others in transits.items():
        for other in others:
            if topology.NODES[edge]["software"] == "bird":
                for family in families:
                    bird.command(lab, edge, f"{'enable' if works else 'disable'} {other}_{family}")
            else:
                link = topology.link(edge, other)
                remotes = [(link.address4 if family == "4" else link.address6)[other] for family in families]
                lines = [f"{'no ' if works else ''}neighbor {remote} shutdown" for remote in remotes]
                frr.command(lab, edge, "conf t", f"router bgp {topology.ORG_ASN}", *lines)


def _service_announced(lab, works):
    """The service's own prefixes are not announced to anybody, while the organization knows them inside."""
    here = ["enable service", "disable inside"] if works else ["enable inside", "disable service"]
    for words in here:
        for family in "46":
            bird.command(lab, "edge2", f"{words}{family}")
    _announce_at_edge1(lab, works)


def _service_routed(lab, works):
    """They are gone from the edges too: the covering routes draw the traffic, and it dies there."""
    _announce_at_edge1(lab, works)
    for family in "46":
        bird.command(lab, "edge2", f"{'enable' if works else 'disable'} service{family}")
    for family, prefix in (("4", topology.SERVICE4), ("6", topology.SERVICE6)):
        link = topology.link("edge1", "web")
        web_address = (link.address4 if family == "4" else link.address6)["web"]
        lab.namespaces.run("edge1", ["ip", f"-{family}", "route", "add" if works else "delete", prefix, "via", web_address])


def _announce_at_edge1(lab, works):
    word, end = ("", " route-map OWN") if works else ("no ", "")
    lines = ["conf t", f"router bgp {topology.ORG_ASN}"]
    for family, prefix in (("4", topology.SERVICE4), ("6", topology.SERVICE6)):
        lines += [f"address-family ipv{family} unicast", f"{word}network {prefix}{end}", "exit-address-family"]
    frr.command(lab, "edge1", *lines)


def _name_server_a(lab, works):
    for site in topology.DNS_SITE_ADDRESS:
        mark = lab.folder(site) / "disable.a"
        mark.unlink() if works else mark.touch()


def _no_hijack(lab, works):
    for family in "46":
        bird.command(lab, "other", f"{'disable' if works else 'enable'} hijack{family}")


def _other_organization(lab, works):
    for family in "46":
        bird.command(lab, "other", f"{'enable' if works else 'disable'} own{family}")


def _reset_v2(lab, _):
    """By hand, with all collectors."""
    for collector in topology.COLLECTORS:
        for family in "46":
            bird.command(lab, "v2", f"restart {collector}_{family}")


def _cable_of_v4(lab, works):
    """Collectors notice by their hold timers."""
    lab.namespaces.run("ix", ["ip", "link", "set", "p-v4", "up" if works else "down"])


def _collector(lab, works):
    """Killed, with what it has not written yet."""
    if works:
        frr.start(lab, "cfrr")
        for _ in range(50):
            if "Established" in frr.command(lab, "cfrr", "show bgp neighbors", check=False):
                break
            time.sleep(0.1)
        frr.dump(lab, "cfrr")
    else:
        lab.stop("cfrr", "bgpd", "zebra", by=signal.SIGKILL)


def _drained(vantage):
    def fault(lab, works):
        software = {"frr": frr, "bird": bird, "gobgp": gobgp, "openbgpd": openbgpd}[topology.NODES[vantage]["software"]]
        own = [prefix for group in ("covers", "name servers", "service") for prefix in topology.GROUPS[group]]
        software.drain(lab, vantage, [] if works else own)

    return fault


# By the names which cases use: a function which gets the lab, and whether it shall work.
FAULTS = {
    "the backbone": _backbone,
    "the page answers 500": _answers_500,
    "the web server": _web_server,
    "the name servers": _name_servers,
    "the signatures": _signatures,
    "transit t1": lambda lab, works: _sessions(lab, works, {"edge1": ["t1"]}, "46"),
    "transit t3": lambda lab, works: _sessions(lab, works, {"edge2": ["t3"]}, "46"),
    "every transit": lambda lab, works: _sessions(lab, works, _TRANSITS, "46"),
    "IPv6 at every transit": lambda lab, works: _sessions(lab, works, _TRANSITS, "6"),
    "announcing the service": _service_announced,
    "routing the service": _service_routed,
    "announcing name server a": _name_server_a,
    "origin": _no_hijack,
    "the other organization": _other_organization,
    "the sessions of v2": _reset_v2,
    "the cable of v4": _cable_of_v4,
    "the collector cfrr": _collector,
    **{f"the routes of {vantage}": _drained(vantage) for vantage in topology.VANTAGES},
}
