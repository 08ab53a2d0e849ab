"""Counts announced and withdrawn prefixes of MRT files with mrtparse: python mrtparse_count.py FILES"""

import sys

from mrtparse import Reader


def prefixes(message):
    """Prefixes of one BGP message, those in MP_REACH_NLRI (14) and MP_UNREACH_NLRI (15) too."""
    count = len(message.get("nlri", [])) + len(message.get("withdrawn_routes", []))
    for attribute in message.get("path_attributes", []):
        value = attribute["value"]
        if isinstance(value, dict):
            count += len(value.get("nlri", [])) + len(value.get("withdrawn_routes", []))
    return count


total = 0
for path in sys.argv[1:]:
    for entry in Reader(path):
        if entry.err is None:
            total += prefixes(entry.data.get("bgp_message", {}))
print(total, "prefixes")
