"""The zones of the lab, and the organization's signed twice: with signatures which hold, and with ones which have expired."""

import topology
from namespaces import run
from topology import CONTROL_WEB4, CONTROL_ZONE, ROOT4, ROOT6, WEB4, WEB6, ZONE

_SOA = "SOA infra.example. nobody.invalid. 1 60 30 86400 5"

ROOT = f"""\
. 3600 IN {_SOA}
. 3600 IN NS infra.example.
infra.example. 3600 IN A {ROOT4}
infra.example. 3600 IN AAAA {ROOT6}
example. 3600 IN NS infra.example.
"""
HINTS = f"""\
. 3600000 IN NS infra.example.
infra.example. 3600000 IN A {ROOT4}
infra.example. 3600000 IN AAAA {ROOT6}
"""
CONTROL = f"$TTL 5\n@ IN {_SOA}\n@ IN NS infra.example.\nwww 5 IN A {CONTROL_WEB4}\n"


def _name_servers(owner, end):
    lines = []
    for key in "abcd":
        name = f"{key}.ns{end}"
        lines += [f"{owner} 300 IN NS {name}", f"{name} 300 IN A {topology.name_server4(key)}"]
        lines.append(f"{name} 300 IN AAAA {topology.name_server6(key)}")
    return "\n".join(lines)


EXAMPLE = f"""\
$TTL 3600
@ IN {_SOA}
@ IN NS infra
infra IN A {ROOT4}
infra IN AAAA {ROOT6}
{_name_servers('megacorp', '.megacorp')}
control 300 IN NS infra
"""
# Answers live 5 s, so that resolvers notice soon.
ORGANIZATION = f"""\
$TTL 300
@ 300 IN SOA a.ns hostmaster 1 60 30 86400 5
{_name_servers('@', '')}
www 5 IN A {WEB4}
www 5 IN AAAA {WEB6}
"""
BY_NAME = {".": ROOT, "example": EXAMPLE, CONTROL_ZONE: CONTROL}


def sign(folder):
    """Writes `good.zone`, `expired.zone` and `anchor`, the key which a validating resolver trusts."""
    keygen = lambda *flags: run(["dnssec-keygen", "-q", "-K", folder, "-a", "ECDSAP256SHA256", *flags, ZONE]).strip()
    made = {"key": keygen("-f", "KSK"), "zone": keygen()}
    keys = [f"{folder}/{name}.key" for name in made.values()]
    text = ORGANIZATION + "".join(f"$INCLUDE {key}\n" for key in keys)
    with open(f"{folder}/plain.zone", "w") as file:
        file.write(text)
    for name, span in (("good", ["-s", "now-1d", "-e", "now+30d"]), ("expired", ["-s", "now-30d", "-e", "now-1d"])):
        files = ["-f", f"{folder}/{name}.zone", "-k", made["key"], f"{folder}/plain.zone", made["zone"]]
        run(["dnssec-signzone", "-q", "-P", "-K", folder, "-d", folder, "-o", ZONE, *span, *files])
    with open(keys[0]) as key, open(f"{folder}/anchor", "w") as anchor:
        anchor.write(key.read())
