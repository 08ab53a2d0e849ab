"""Long runs of replay and watch, which are no part of the checks of a change: load, real time, half-open connections, kills.

    cargo build --release
    python3 tests/soak/soak.py load      # 10 minutes of a whole stream, 20,000 messages a second and more
    python3 tests/soak/soak.py realtime  # the lab cases at their own pace, at 60 times of it, and as fast as can be (about 4 minutes)
    python3 tests/soak/soak.py rebuilt   # the incidents of 2021 and 2024 at 60 times their pace, and as fast as can be (about 15 minutes)
    python3 tests/soak/soak.py delays    # the lab cases as if they happened now: how long after the hold alerts arrive (about 4 minutes)
    python3 tests/soak/soak.py halfopen  # a server which stops answering and keeps the connection, for 5 minutes
    python3 tests/soak/soak.py kills     # watch is killed 50 times at random, under load

Each prints what it measured, and ends with status 1 if something was lost or told twice. Nothing but Python is needed.
The variable FAULTLINE names another program than the release build.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import gzip
import http.server
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("FAULTLINE", ROOT / "target/release/faultline"))
CASES = ["A", "B", "C", "D", "E", "H"]
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*arguments, **more):
    return subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=ROOT, text=True, **more)


def wait_for(port):
    for _ in range(600):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("the replay does not listen")


def usage(process):
    """CPU seconds and MiB of memory, now and at most."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    mib = lambda key: int(status[key].split()[0]) // 1024
    return (int(fields[11]) + int(fields[12])) / TICKS, mib("VmRSS"), mib("VmHWM")


def shifted(source, target, seconds):
    """The MRT records of a gz file, later by so many seconds; how many they are."""
    content, at, count = bytearray(gzip.decompress(source.read_bytes())), 0, 0
    while at + 12 <= len(content):
        when, _, _, length = struct.unpack_from(">IHHI", content, at)
        struct.pack_into(">I", content, at, when + seconds)
        at, count = at + 12 + length, count + 1
    target.write_bytes(gzip.compress(content, 1))
    return count


def crowd(target, begins, seconds, rate):
    """MRT messages (RFC 6396, BGP4MP_ET) of 50 peers which announce and withdraw 40 prefixes of others again and again: far from a full table."""
    chance, records = random.Random(1), []
    for number in range(seconds * rate):
        peer, prefix = chance.randrange(50), chance.randrange(40)
        nlri = bytes([24, 100, 64, prefix])
        attributes = struct.pack(">4B", 0x40, 1, 1, 0) + struct.pack(">5BII", 0x40, 2, 10, 2, 2, 64600 + peer, 64700) + bytes([0x40, 3, 4, 192, 0, 2, 200])
        announce = chance.random() < 0.8
        body = struct.pack(">HH", 0, len(attributes)) + attributes + nlri if announce else struct.pack(">H", 4) + nlri + struct.pack(">H", 0)
        message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
        bgp4mp = struct.pack(">IIHH", 64600 + peer, 64499, 0, 1) + bytes([203, 0, 113, 1 + peer, 203, 0, 113, 254]) + message
        at, micros = divmod(number * 1_000_000 // rate, 1_000_000)
        records.append(struct.pack(">IHHII", begins + at, 17, 4, 4 + len(bgp4mp), micros) + bgp4mp)
    target.write_bytes(gzip.compress(b"".join(records), 1))
    return len(records)


def inputs(arguments):
    """The folder of generated archives: a million messages of a busy collector."""
    if arguments.inputs:
        return arguments.inputs
    command = ["cargo", "run", "--release", "-q", "-p", "faultline-peers", "--", "inputs"]
    made = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    return next(Path(word) for word in reversed(made.split()) if (Path(word) / "ORG.toml").exists())


def load(arguments):
    """A whole busy stream, with a dashboard which a browser asks for and never reads."""
    folder = inputs(arguments)
    source = folder / "rrc00/updates.20251101.0000.gz"
    with tempfile.TemporaryDirectory() as home:
        archive = Path(home) / "rrc00"
        archive.mkdir()
        files = 2 + arguments.minutes * 60 * arguments.rate // 1_000_000
        count = 0
        for number in range(files):
            minutes = number * 5
            name = f"updates.20251101.{minutes // 60:02}{minutes % 60:02}.gz"
            count += shifted(source, archive / name, number * 300)
        speed = max(1, arguments.rate * files * 300 // count)
        print(f"{count:,} messages, {count / files / 300 * speed:,.0f} a second at {speed}x", flush=True)
        port = free_port()
        replay = start("replay", archive, "--listen", f"127.0.0.1:{port}", "--speed", f"{speed}x", stderr=subprocess.DEVNULL)
        wait_for(port)
        watch = start(
            "watch", folder / "ORG.toml", "--stream", f"ws://127.0.0.1:{port}/", "--everything", "--replayed", "--dashboard=127.0.0.1:0",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        dashboard = next(line.split()[-1] for line in watch.stderr if "dashboard" in line)
        threading.Thread(target=lambda: [None for _ in watch.stderr], daemon=True).start()
        threading.Thread(target=lambda: [None for _ in watch.stdout], daemon=True).start()
        slow_browser(dashboard)
        begun, rows = time.monotonic(), []
        while watch.poll() is None and time.monotonic() - begun < arguments.minutes * 60:
            time.sleep(10)
            if watch.poll() is None:
                cpu, rss, most = usage(watch)
                rows.append((time.monotonic() - begun, cpu, rss))
                frames = metric(dashboard, "faultline_stream_frames_total")
                wall = rows[-1][0]
                print(f"{wall:6.0f} s  {frames:12,.0f} frames  {frames / wall:8,.0f}/s  {cpu / wall:5.2f} cores  {rss:5} MiB", flush=True)
        frames = metric(dashboard, "faultline_stream_frames_total") if watch.poll() is None else float("nan")
        for process in (watch, replay):
            process.send_signal(signal.SIGINT)
        watch.wait(60)
        replay.kill()
    wall, cpu, _ = rows[-1]
    rate, cores = frames / wall, cpu / wall
    half = [rss for at, _, rss in rows if at > wall / 2]
    print(f"sustained {rate:,.0f} messages/s for {wall / 60:.1f} min, {cores:.2f} cores, {max(half)} MiB in the second half (from {min(half)})")
    return rate >= 20_000 and cores < 1


def metric(dashboard, name):
    import urllib.request

    text = urllib.request.urlopen(dashboard + "metrics", timeout=20).read().decode()
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def slow_browser(dashboard):
    """One which asks for what happens, and never reads it."""
    host, port = dashboard.removeprefix("http://").rstrip("/").rsplit(":", 1)
    client = socket.create_connection((host, int(port)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    slow_browser.kept = client


def told(lines):
    events = [json.loads(line) for line in lines]
    return sorted((event["incident"], event["event"]) for event in events if event["event"] in ("opened", "closed"))


def seeds_of(case):
    """The table dumps of a case from before anything happens: later ones are no beginning."""
    archive = ROOT / f"data/lab/{case}/mrt"
    return archive, [*archive.glob("cbird/rib*"), *archive.glob("cfrr/rib*"), min(archive.glob("copen/rib*"))]


def analyzed(profile, *files):
    command = [PROGRAM, "analyze", profile, *files, "--format", "json"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout)["incidents"]


def realtime(_):
    """The lab cases streamed at three speeds; each must tell what analyze finds in the same frames, with the same table dumps."""
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool:
        cases = [(case, "data/lab/lab.toml", *seeds_of(case), ("max", "60x", "1x")) for case in CASES]
        return all([*pool.map(lambda case: streamed(*case), cases)])


def rebuilt(_):
    """The rebuilt incidents of 2021 and 2024, streamed as fast as can be and at 60 times their pace."""
    good = True
    for incident in ("meta-2021-10-04", "meta-2024-03-05"):
        with tempfile.TemporaryDirectory() as home:
            subprocess.run([PROGRAM, "drill", ROOT / f"data/{incident}/timeline.toml", "--out", home], stdout=subprocess.DEVNULL, check=True)
            archive = Path(home) / "mrt"
            seeds = [min(folder.glob(pattern)) for folder in archive.iterdir() for pattern in ("bview*", "rib*") if any(folder.glob(pattern))]
            good &= streamed(incident, "data/meta.toml", archive, seeds, ("max", "60x"))
    return good


def streamed(what, profile, archive, seeds, speeds):
    good = True
    with tempfile.TemporaryDirectory() as home:
        frames = Path(home) / "frames.jsonl"
        with frames.open("w") as out:
            subprocess.run([PROGRAM, "replay", archive, "--raw", "--speed", "max"], stdout=out, stderr=subprocess.DEVNULL, check=True)
        incidents = analyzed(profile, *seeds, frames)
    expected = sorted(
        [(number + 1, "opened") for number in range(len(incidents))]
        + [(number + 1, "closed") for number, incident in enumerate(incidents) if incident["ended"]]
    )
    for speed in speeds:
        port = free_port()
        replay = start("replay", archive, "--listen", f"127.0.0.1:{port}", "--speed", speed, stderr=subprocess.DEVNULL)
        wait_for(port)
        watch = start(
            "watch", profile, "--stream", f"ws://127.0.0.1:{port}/", "--replayed", "--format", "jsonl", "--seed", *seeds,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        lines = told(watch.stdout)
        watch.wait()
        replay.kill()
        same = lines == expected
        good &= same
        print(f"{what} at {speed}: {f'{lines}, as expected' if same else f'{lines}, expected {expected}'}", flush=True)
    return good


def delays(_):
    """The lab cases as if they happened now, by the system's clock: when alerts arrive, after the hold of what they tell has ended."""
    # Where within a second it begins is another each time.
    cases = [*CASES, *["A"] * 6]
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        late = [seconds for found in pool.map(delays_of, cases, range(len(cases))) for seconds in found]
    late.sort()
    median = late[len(late) // 2]
    print(f"{len(late)} alerts of incidents which opened: {median:.2f} s after the hold in the middle, {late[-1]:.2f} s at most")
    return median <= 1


def delays_of(case, number):
    time.sleep(number * 0.37)
    archive, seeds = seeds_of(case)
    with tempfile.TemporaryDirectory() as home, hook() as (address, taken):
        profile, recording, port = profile_with_hook(home, address), Path(home) / "recording", free_port()
        replay = start("replay", archive, "--listen", f"127.0.0.1:{port}", "--as-now", stderr=subprocess.DEVNULL)
        wait_for(port)
        watch = start(
            "watch", profile, "--stream", f"ws://127.0.0.1:{port}/", "--no-probes", "--record", recording, "--seed", *seeds,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        # The last holds end after the last message.
        replay.wait()
        time.sleep(20)
        watch.send_signal(signal.SIGINT)
        watch.wait(60)
        incidents = analyzed("data/lab/lab.toml", *seeds, *recording.glob("stream-*.jsonl"))
        arrived = {}
        for at, notice in taken:
            if "opened" in notice["changes"]:
                arrived.setdefault(notice["incident"]["number"], at)
    late = []
    for number, incident in enumerate(incidents, 1):
        opened = [withdrawal["opened"] for withdrawal in incident["withdrawals"]]
        # A foreign origin has no hold of this kind.
        if not opened:
            continue
        ended = min(datetime.datetime.fromisoformat(at).timestamp() for at in opened)
        late.append(arrived.get(number, float("inf")) - ended)
        print(f"case {case}, incident {number}: the hold ended at {min(opened)}, the alert arrived {late[-1]:+.2f} s after it", flush=True)
    if len(arrived) != len(incidents):
        print(f"case {case}: {len(arrived)} incidents were told of, and there are {len(incidents)}", flush=True)
        late.append(float("inf"))
    return late


@contextlib.contextmanager
def hook():
    """A receiver of alerts: its address, and what it has taken and when."""
    taken = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            taken.append((time.time(), {**body, "key": self.headers["idempotency-key"]}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", taken
    server.shutdown()


def profile_with_hook(home, address):
    profile = Path(home) / "org.toml"
    text = (ROOT / "data/lab/lab.toml").read_text()
    alerts = f'[[alerts]]\nname = "hook"\nkind = "webhook"\nurl = "{address}"\nchanges = ["opened", "worsened", "improved", "changed"]\nevery = "0s"\n'
    profile.write_text(f"{text}\n{alerts}")
    return profile


def halfopen(arguments):
    """A proxy between the two, which passes nothing on for a while and closes nothing."""
    port, between = free_port(), free_port()
    replay = start("replay", "data/lab/A/mrt", "--listen", f"127.0.0.1:{port}", "--speed", "0.2x", stderr=subprocess.DEVNULL)
    wait_for(port)
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", between))

    def pump(source, target):
        while data := source.recv(65536):
            while stopped.is_set():
                time.sleep(0.1)
            target.sendall(data)

    def serve():
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=lambda pair=pair: quiet(pump, *pair), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    watch = start(
        "watch", "data/lab/lab.toml", "--no-probes", "--stream", f"ws://127.0.0.1:{between}/", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said = []
    threading.Thread(target=lambda: [said.append((time.monotonic(), line.strip())) for line in watch.stderr], daemon=True).start()
    time.sleep(20)
    begun = time.monotonic()
    stopped.set()
    time.sleep(arguments.minutes * 60)
    stopped.clear()
    time.sleep(75)
    watch.send_signal(signal.SIGINT)
    watch.wait(60)
    replay.kill()
    lost = [at - begun for at, line in said if "is lost" in line and at > begun]
    again = [at - begun for at, line in said if line.startswith("connected") and at > begun + arguments.minutes * 60]
    for at, line in said:
        print(f"{at - begun:7.1f} s  {line}")
    print(f"lost after {lost[:1]} s, connected again after {again[:1]} s of {arguments.minutes * 60} s")
    return bool(lost) and lost[0] < 120 and bool(again)


def quiet(work, *arguments):
    try:
        work(*arguments)
    except OSError:
        pass


def kills(arguments):
    """Watch is killed at random, under load, and begun again with its journal; each change must reach the webhook once by its key."""
    with tempfile.TemporaryDirectory() as home, hook() as (address, arrived):
        profile, others = profile_with_hook(home, address), Path(home) / "rrc00"
        others.mkdir()
        # A busy collector beside those of the lab, from a minute before they begin.
        begins = int(datetime.datetime.fromisoformat("2026-11-22T09:12:00+00:00").timestamp())
        count = crowd(others / "updates.20261122.0912.gz", begins, 240, 3_500)
        print(f"{count:,} messages beside those of the lab, {count / 240 * 6:,.0f} a second", flush=True)
        chance, ended = random.Random(arguments.seed), 0
        for number in range(arguments.kills + 1):
            port = free_port()
            replay = start(
                "replay", "data/lab/A/mrt", others, "--listen", f"127.0.0.1:{port}", "--speed", "6x", stderr=subprocess.DEVNULL
            )
            wait_for(port)
            watch = start(
                "watch", profile, "--stream", f"ws://127.0.0.1:{port}/", "--replayed", "--everything", "--journal", Path(home) / "journal",
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            try:
                watch.wait(None if number == arguments.kills else chance.uniform(0.2, 45.0))
                ended += 1
            except subprocess.TimeoutExpired:
                watch.kill()
                watch.wait()
            replay.kill()
        by_key, changes = {}, {}
        for _, notice in arrived:
            by_key.setdefault(notice["key"], []).append(notice)
        for notices in by_key.values():
            for change in notices[0]["changes"]:
                told = (notices[0]["incident"]["number"], change)
                changes[told] = changes.get(told, 0) + 1
        repeated = sum(len(notices) - 1 for notices in by_key.values())
        killed = arguments.kills + 1 - ended
        print(f"{killed} kills: {len(by_key)} notices by key, {repeated} sent again under the same key, changes {changes}")
        opened = {number for number, change in changes if change == "opened"}
        closed = {number for number, change in changes if change == "closed"}
        return bool(opened) and opened == closed and all(changes[number, end] == 1 for number in opened for end in ("opened", "closed"))


def main():
    commands = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = commands.add_subparsers(required=True)
    for work in (load, realtime, rebuilt, delays, halfopen, kills):
        kind = kinds.add_parser(work.__name__, help=work.__doc__)
        kind.set_defaults(work=work)
        if work is load:
            kind.add_argument("--inputs", type=Path, help="the folder of generated archives; else they are made")
            kind.add_argument("--rate", type=int, default=26_000, help="messages a second")
        if work in (load, halfopen):
            kind.add_argument("--minutes", type=int, default=10 if work is load else 5)
        if work is kills:
            kind.add_argument("--kills", type=int, default=50)
            kind.add_argument("--seed", type=int, default=1)
    arguments = commands.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: cargo build --release")
    sys.exit(0 if arguments.work(arguments) else 1)


if __name__ == "__main__":
    main()
