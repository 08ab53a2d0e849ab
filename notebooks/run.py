#!/usr/bin/env python3
"""Runs the notebooks on reports and fails if one does not run through, or draws nothing.

Without a folder it makes the reports itself, with the program named by --program: of lab cases, and of two days of route-views2 where
these lie beside the package. Notebooks are executed in temporary copies; --save keeps the executed copies and their figures, for
people to look at. Needs what requirements.txt names.
"""

import argparse
import asyncio
import base64
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOTEBOOKS = ["visibility", "anatomy", "thresholds"]
RECORDING = "../shared/data/events/routeviews2-2008-02"

LAB = ["data/lab/lab.toml"]
# What is analyzed, by the name of the report, and which notebooks have something to draw of it.
REPORTS = {
    "lab-A": (LAB + ["data/lab/A/mrt", "--probes", "data/lab/A"], NOTEBOOKS),
    "lab-C-no-incident": (LAB + ["data/lab/C/mrt", "--probes", "data/lab/C"], NOTEBOOKS),
    "lab-A-probes-only": (LAB + ["--probes", "data/lab/A"], ["anatomy"]),
    "routeviews2-2008-02": (["notebooks/ris-beacons-2008.toml", f"{RECORDING}/2008-02-19", f"{RECORDING}/2008-02-23"], NOTEBOOKS),
}

# Put before the first cell of the copy: a warning in a notebook is a mistake in it. Those of the kernel's own packages are not ours.
STRICT = """import warnings
for kind in (UserWarning, RuntimeWarning):
    warnings.simplefilter("error", kind)
warnings.filterwarnings("error", category=DeprecationWarning, module="__main__")
%matplotlib inline
"""


def analyze(program, arguments, folder):
    """Writes a report; 0, 1 and 3 are its answers, 2 is a failure."""
    command = [*shlex.split(program), "analyze", *arguments, "--out", str(folder)]
    begun = time.monotonic()
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode not in (0, 1, 3):
        sys.exit(f"{shlex.join(command)}: exit status {ran.returncode}\n{ran.stderr}")
    print(f"analyzed {folder.name}: {time.monotonic() - begun:.1f} s", flush=True)


def plain(error):
    """The end of a traceback, without the colours of a terminal."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return "\n".join(lines[-30:])


def figures(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", {})]


def execute(name, report, limit):
    """The executed copy of a notebook; raises what its cells raised."""
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    os.environ["FAULTLINE_REPORT"] = str(report)
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        begun = time.monotonic()
        client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": home}})
        client.extra_arguments = ["--log-level=ERROR"]
        try:
            asyncio.run(asyncio.wait_for(client.async_execute(), limit))
        except TimeoutError:
            raise TimeoutError(f"not done after {limit} s") from None
        finally:
            print(f"{name} on {report.name}: {time.monotonic() - begun:.1f} s, {len(figures(notebook))} figures", flush=True)
    return notebook


def keep(notebook, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    for number, figure in enumerate(figures(notebook), 1):
        (folder / f"{name}-{number}.png").write_bytes(figure)


def run(report, drawing, options):
    """Every notebook on one report; what went wrong."""
    wrong = []
    for name in options.notebook or NOTEBOOKS:
        try:
            notebook = execute(name, report, options.limit)
        except Exception as error:  # a cell which raised, a dead kernel, a time limit: all are told and the others still run
            wrong.append(f"{name} on {report.name}: {type(error).__name__}\n{plain(error)}")
            continue
        if name in drawing and not figures(notebook):
            wrong.append(f"{name} on {report.name}: no figure")
        if options.save:
            keep(notebook, options.save / report.name, name)
    return wrong


def told_when_missing(name, folder, options):
    """Without a report a notebook says which command writes one."""
    try:
        execute(name, folder / "report-which-is-not-there", options.limit)
    except CellExecutionError as error:
        return [] if "faultline analyze" in str(error) else [f"{name} without a report: {error}"]
    return [f"{name} without a report: it ran"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", nargs="*", type=Path, help="folders written by `faultline analyze --out`; none: make them")
    parser.add_argument("--program", default="cargo run --quiet --", help="how to call faultline (default: %(default)s)")
    parser.add_argument("--notebook", action="append", choices=NOTEBOOKS, help="only this one; may be repeated")
    parser.add_argument("--save", type=Path, help="keep executed copies and figures in this folder")
    parser.add_argument("--limit", type=int, default=120, help="seconds a notebook may take (default: %(default)s)")
    options = parser.parse_args()
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    wrong = []
    for report in options.report:
        wrong += run(report.resolve(), [], options)
    if not options.report:
        with tempfile.TemporaryDirectory() as scratch:
            there = (ROOT / RECORDING).is_dir()
            if not there:
                print(f"SKIPPED: notebooks on {RECORDING}: it is not there")
            reports = {name: report for name, report in REPORTS.items() if there or not any(RECORDING in word for word in report[0])}
            # The long analysis goes on while notebooks run on the short ones.
            with ThreadPoolExecutor(2) as pool:
                ready = {
                    name: pool.submit(analyze, options.program, arguments, Path(scratch) / name) for name, (arguments, _) in reports.items()
                }
                for name, (_, drawing) in reports.items():
                    ready[name].result()
                    wrong += run(Path(scratch) / name, drawing, options)
            for name in options.notebook or NOTEBOOKS:
                wrong += told_when_missing(name, Path(scratch), options)
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
