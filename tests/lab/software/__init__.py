"""The programs of the lab: for each its configuration from the topology, how it is started, and how it is spoken to while it runs.

`FINDINGS.md` says what each of them writes, and what was met on the way.
"""
