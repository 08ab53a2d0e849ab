"""Holds what Faultline says of a case against its truth: each collector's archives, all of them, and each client's watch."""

import datetime
from dataclasses import dataclass

import topology
import watched
from topology import CLIENTS, COLLECTORS

# Routers hunt for paths for up to 2.5 s, half of them write whole seconds, and probes ask once a second.
ONSET_WITHIN = 3.0
# After the hold (`open_hold` of the profile) has ended.
HOLD, ALERT_WITHIN = 5.0, 5.0
NOTHING_WITHDRAWN = ("application", "dns_authorities", "dns_resolver", "routing_foreign_origin")


@dataclass
class Row:
    """One judgement. Times are seconds."""

    case: str
    by: str
    verdict: str
    wrong: list
    onset: float | None = None
    alert: float | None = None
    over: bool | None = None

    def __str__(self):
        seconds = lambda value: "-" if value is None else f"{value:+.1f} s"
        over = {None: "-", True: "yes", False: "no"}[self.over]
        result = "right" if not self.wrong else "WRONG: " + "; ".join(self.wrong)
        return f"{self.case:4} {self.by:17} {self.verdict:27} {seconds(self.onset):>8} {seconds(self.alert):>8} {over:>5}  {result}"


HEAD = f"{'case':4} {'by':17} {'verdict':27} {'onset':>8} {'alert':>8} {'over':>5}  result"


def judge(case, out):
    profile = out / "org.toml"
    profile.write_text(watched.profile())
    probes = sorted(out.glob("probes-*.jsonl"))
    rows = [_archive(case, collector, case.expected(), profile, [out / "mrt" / collector], probes) for collector in COLLECTORS]
    rows.append(_archive(case, "all four", case.expected(), profile, [out / "mrt"], probes))
    for client in CLIENTS:
        expected = case.expected(client)
        if "profile" in expected:
            other = out / "other.toml"
            other.write_text(watched.profile(expected["profile"]))
            rows.append(_archive(case, "all four, other", expected, other, [out / "mrt"], probes))
        rows.append(_live(case, client, expected))
    return rows


def _archive(case, by, expected, profile, archives, probes):
    found = watched.analyzed(profile, archives, probes)
    incidents = found["incidents"]
    row = Row(case.name, by, " + ".join(incident["verdict"] for incident in incidents) or "none", [])
    _same(row, expected, [incident["verdict"] for incident in incidents])
    if "observed" in expected:
        observed = [event["withdrawal"]["prefix"] for event in found["observed"] if event["withdrawal"]]
        _withdrawn(row, {"withdrawn": expected["observed"], "verdict": "observed"}, observed)
    if len(incidents) == 1:
        incident = incidents[0]
        _times(row, case, expected, incident["began"], case.onset())
        _withdrawn(row, expected, [withdrawal["prefix"] for withdrawal in incident["withdrawals"]])
        row.over = not incident["open"]
        codes = [code for loss in incident["losses"] for code in loss["extended_errors"]]
        if expected.get("extended_errors") and not codes:
            row.wrong.append("no extended DNS error was seen")
        if incident["open"]:
            row.wrong.append("it does not end")
    return row


def _live(case, client, expected):
    notices = case.watches[client].notices
    last = {notice["incident"]["number"]: notice["incident"] for _, notice in notices}
    withdrawn = {notice["incident"]["number"] for _, notice in notices if "withdrawn" in notice["changes"]}
    kept = [incident for number, incident in sorted(last.items()) if number not in withdrawn]
    row = Row(case.name, f"live, {client}", " + ".join(incident["verdict"] for incident in kept) or "none", [])
    _same(row, expected, [incident["verdict"] for incident in kept])
    opened = [(at, notice) for at, notice in notices if "opened" in notice["changes"]]
    if len(kept) == 1 and opened:
        incident, (arrived, first) = kept[0], opened[0]
        _times(row, case, expected, incident["began"], case.onset(client))
        _withdrawn(row, expected, incident["prefixes"])
        row.alert = arrived - case.onset(client)[1] - HOLD
        if row.alert > ALERT_WITHIN + expected.get("begins_within", 0) * case.scale:
            row.wrong.append(f"the alert came {row.alert:.1f} s after the hold")
        row.over = any("closed" in notice["changes"] for _, notice in notices)
        if not row.over:
            row.wrong.append("no recovery notice")
        if not _fits(first["incident"]["verdict"], {"verdict": expected.get("first", expected["verdict"])}):
            row.wrong.append(f"first told as {first['incident']['verdict']}")
    if len(opened) > max(1, len(kept)):
        row.wrong.append(f"{len(opened)} alerts")
    return row


def _fits(verdict, expected):
    wanted = expected["verdict"]
    return verdict in ([wanted] if isinstance(wanted, str) else wanted)


def _same(row, expected, verdicts):
    if len(verdicts) > 1:
        row.wrong.append(f"{len(verdicts)} incidents")
    if not all(_fits(verdict, expected) for verdict in verdicts or ["none"]):
        row.wrong.append(f"expected {expected['verdict']}")


def _withdrawn(row, expected, prefixes):
    wanted = {prefix for group in expected.get("withdrawn", []) for prefix in topology.GROUPS[group]}
    found = set(prefixes)
    if "withdrawn" in expected and found != wanted:
        missing, more = len(wanted - found), len(found - wanted)
        row.wrong.append(f"withdrawn: {len(found)} prefixes, {len(wanted)} expected ({missing} missing, {more} more)")
    if "withdrawn" not in expected and found and expected["verdict"] in NOTHING_WITHDRAWN:
        row.wrong.append(f"withdrawn: {', '.join(sorted(found))}")


def _times(row, case, expected, began, onset):
    """How far the bounds are from the truth; 0 where they overlap."""
    at = lambda text, unknown: datetime.datetime.fromisoformat(text).timestamp() if text else unknown
    earliest, latest = at(began["earliest"], 0.0), at(began["latest"], float("inf"))
    first, last = onset
    row.onset = earliest - last if earliest > last else latest - first if latest < first else 0.0
    if not -ONSET_WITHIN <= row.onset <= ONSET_WITHIN + expected.get("begins_within", 0) * case.scale:
        row.wrong.append(f"the onset is {row.onset:+.1f} s off")
