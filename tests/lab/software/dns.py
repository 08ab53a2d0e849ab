"""Name servers and resolvers.

NSD and Knot serve the organization's zone at its sites, BIND everything above; unbound resolves and validates, another BIND resolves and does not.
"""

import shutil

import topology
from topology import NODES, ROOT4, ROOT6, ZONE

from . import zones

_ADDRESSES = [address for key in "abcd" for address in (topology.name_server4(key), topology.name_server6(key))]


def _nsd(folder):
    addresses = "".join(f"  ip-address: {address}\n" for address in _ADDRESSES)
    return f"""\
server:
  pidfile: "{folder}/nsd.pid"
  zonesdir: "{folder}"
  username: ""
  database: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
  server-count: 1
{addresses}remote-control:
  control-enable: no
zone:
  name: {ZONE}
  zonefile: org.zone
"""


def _knot(folder):
    return f"""\
server:
    rundir: {folder}
    user: root:root
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    listen: [{', '.join(f'{address}@53' for address in _ADDRESSES)}]
log:
  - target: {folder}/knot.log
    any: info
database:
    storage: {folder}
zone:
  - domain: {ZONE}
    file: {folder}/org.zone
    zonefile-sync: -1
    journal-content: none
"""


def _bind(folder, rest):
    return f"""\
options {{
    directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
    dnssec-validation no; allow-query {{ any; }};
{rest}"""


def _authority(folder):
    listed = "".join(f'zone "{name}" {{ type primary; file "{file}"; }};\n' for name, file in _files().items())
    listen = f"    listen-on {{ {ROOT4}; }}; listen-on-v6 {{ {ROOT6}; }}; recursion no; minimal-responses no;\n}};\ncontrols {{ }};\n"
    return _bind(folder, listen + listed)


def _bind_resolver(node, folder):
    here = NODES[node]
    return _bind(folder, f"""\
    listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion yes; empty-zones-enable no; stale-answer-enable no;
    query-source address {here['address4']}; query-source-v6 address {here['address6']};
}};
controls {{ }};
zone "." {{ type hint; file "{folder}/hints"; }};
""")


def _unbound(node, folder):
    here = NODES[node]
    return f"""\
server:
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  outgoing-interface: {here['address4']}
  outgoing-interface: {here['address6']}
  do-ip6: yes
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: "{folder}/unbound.log"
  log-servfail: yes
  verbosity: 1
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/anchor"
  ede: yes
  root-hints: "{folder}/hints"
  infra-keep-probing: yes
  infra-host-ttl: 60
  infra-cache-max-rtt: 1000
  outbound-msg-retry: 2
  do-not-query-localhost: no
  local-zone: "example." nodefault
remote-control:
  control-enable: no
"""


def _files():
    return {name: f"{'root' if name == '.' else name}.zone" for name in zones.BY_NAME}


def start(lab, node):
    """What is at this node: a site of the organization, the authority above, or a resolver."""
    folder = lab.folder(node)
    if node in topology.DNS_SITE_ADDRESS:
        publish(lab, node, "good")
        serve(lab, node)
    elif node == "infra":
        for name, file in _files().items():
            lab.write(node, file, zones.BY_NAME[name])
        lab.start(node, "named", ["/usr/sbin/named", "-g", "-n", "1", "-c", lab.write(node, "named.conf", _authority(folder))])
    else:
        lab.write(node, "hints", zones.HINTS)
        resolve(lab, node)


def publish(lab, site, signed):
    """Puts the zone there which holds, or that which has expired; it is served from the next start on."""
    shutil.copy(f"{lab.folder('keys')}/{signed}.zone", f"{lab.folder(site)}/org.zone")


def serve(lab, site):
    folder = lab.folder(site)
    if site == "dns1":
        lab.start(site, "dns", ["/usr/sbin/nsd", "-d", "-c", lab.write(site, "nsd.conf", _nsd(folder))])
    else:
        lab.start(site, "dns", ["/usr/sbin/knotd", "-c", lab.write(site, "knot.conf", _knot(folder))])


def resolve(lab, node):
    folder = lab.folder(node)
    if node == "ca":
        shutil.copy(f"{lab.folder('keys')}/anchor", folder)
        lab.start(node, "resolver", ["/usr/sbin/unbound", "-d", "-c", lab.write(node, "unbound.conf", _unbound(node, folder))])
    else:
        file = lab.write(node, "named.conf", _bind_resolver(node, folder))
        lab.start(node, "resolver", ["/usr/sbin/named", "-g", "-n", "1", "-c", file])
