"""Real routers, resolvers and web servers in network namespaces: outages made to order, and Faultline held against what was done.

    python3 tests/lab/lab.py deps             # installs the Debian packages which the lab needs
    python3 tests/lab/lab.py run A D E H      # runs these cases, some at once, and judges; all of them: run all
    python3 tests/lab/lab.py list             # the cases
    python3 tests/lab/lab.py up               # a lab to look at, until a key is pressed
    python3 tests/lab/lab.py shell ca dig @127.0.0.1 www.megacorp.example

Root on Debian, Linux network namespaces, Python 3.11. The variable FAULTLINE names another program than the release or debug build.
Exit status of `run`: 0 everything was right, 1 something was wrong, 2 the lab cannot run here, which is said as `SKIPPED: …`.
"""

import argparse
import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import judge
import watched
from case import CASES, Case
from internet import Lab

# What must be there, by the Debian package which brings it.
PACKAGES = {
    "frr": "/usr/lib/frr/bgpd",
    "frr-pythontools": None,
    "bird2": "/usr/sbin/bird",
    "gobgpd": "/usr/bin/gobgpd",
    "openbgpd": "/usr/sbin/bgpctl",
    "exabgp": "/usr/sbin/exabgp",
    "nsd": "/usr/sbin/nsd",
    "knot": "/usr/sbin/knotd",
    "bind9": "/usr/sbin/named",
    "bind9-utils": "/usr/bin/dnssec-signzone",
    "bind9-dnsutils": "/usr/bin/dig",
    "unbound": "/usr/sbin/unbound",
    "nginx-light": "/usr/sbin/nginx",
    "iproute2": "/sbin/ip",
    "iputils-ping": "/bin/ping",
}
printing = threading.Lock()


def missing():
    """Why the lab cannot run here; empty if it can."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    if lacking := [package for package, file in PACKAGES.items() if file and not Path(file).exists()]:
        return f"needs the Debian packages {' '.join(lacking)}; install them with python3 tests/lab/lab.py deps"
    made = subprocess.run(["ip", "netns", "add", "lab-trial"], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "delete", "lab-trial"], capture_output=True)
    if made.returncode:
        return f"network namespaces cannot be made here ({made.stderr.strip()})"
    if not watched.program().exists():
        return f"{watched.program()} is missing: cargo build --release"
    return ""


def deps(_):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"SKIPPED: the lab: needs root and apt-get, to install {' '.join(PACKAGES)}")
        return 2
    with nothing_starts():
        for command in (["install"], ["update"], ["install"]):
            words = ["-y", "--no-install-recommends", *PACKAGES] if command == ["install"] else []
            done = subprocess.run(["apt-get", *command, "-qq", *words], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode
            if command == ["install"] and done == 0:
                break
    return done


@contextlib.contextmanager
def nothing_starts():
    """While packages are installed: Debian's way to keep their services from starting by themselves."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink()


def run(arguments):
    if reason := missing():
        print(f"SKIPPED: the lab: {reason}")
        return 2
    names = sorted(CASES) if arguments.cases == ["all"] else arguments.cases
    if unknown := [name for name in names if name not in CASES]:
        sys.exit(f"no such case: {' '.join(unknown)}; there are {' '.join(CASES)}")
    begun = time.monotonic()
    print(judge.HEAD, flush=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        wrong = sum(pool.map(lambda name: run_case(name, arguments), names))
    print(f"{len(names)} cases in {time.monotonic() - begun:.0f} s; {wrong} judgements were wrong")
    return 1 if wrong else 0


def run_case(name, arguments):
    """How many judgements were wrong."""
    case, out = Case(name, arguments.scale), arguments.out / name
    try:
        case.run(out)
        rows = judge.judge(case, out)
    except Exception as error:
        with printing:
            print(f"{name:4} could not be run: {type(error).__name__}: {error}", flush=True)
        return 1
    (out / "table.txt").write_text("\n".join([judge.HEAD, *map(str, rows)]) + "\n")
    with printing:
        print("\n".join(map(str, rows)), flush=True)
    return sum(bool(row.wrong) for row in rows)


def cases(_):
    for name in CASES:
        print(f"{name}  {Case(name).title}")
    return 0


def up(_):
    lab = Lab("lab")
    lab.down()
    try:
        print(f"up after {lab.up():.0f} s; its files are in {lab.place}")
        input("Enter takes it down ")
    finally:
        lab.down()
    return 0


def shell(arguments):
    return subprocess.run(Lab(arguments.lab).namespaces.inside(arguments.node, arguments.words)).returncode


def main():
    commands = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = commands.add_subparsers(required=True)
    for word, work in (("deps", deps), ("run", run), ("list", cases), ("up", up), ("shell", shell)):
        kind = kinds.add_parser(word)
        kind.set_defaults(work=work)
        if work is run:
            kind.add_argument("cases", nargs="+", help="names, or all")
            kind.add_argument("--scale", type=float, default=1.0, help="of the times of faults; 0.5 halves them")
            kind.add_argument("--at-once", type=int, default=4, help="so many cases at a time, each in its own lab of about 1 GB")
            kind.add_argument("--out", type=Path, default=watched.ROOT / "target/lab", help="the folder for what was recorded")
        if work is shell:
            kind.add_argument("--lab", default="lab", help="whose namespaces; that of case A is called laba")
            kind.add_argument("node")
            kind.add_argument("words", nargs=argparse.REMAINDER)
    arguments = commands.parse_args()
    sys.exit(arguments.work(arguments))


if __name__ == "__main__":
    main()
