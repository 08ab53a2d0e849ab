// Makes the reports which are looked at, with the built program.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hostile } from "./hostile.mjs";

/** What `faultline analyze` ends with. */
const ENDS = { incident: 1, none: 0, unknown: 3 };

/** The reports: name, arguments of `faultline analyze` without `--out`, and how it ends. */
function wanted(root, made) {
  const lab = join(root, "data/lab");
  const profile = join(lab, "lab.toml");
  const of = (name) => [profile, join(lab, name, "mrt"), "--probes", join(lab, name, "dns.jsonl.gz"), join(lab, name, "http.jsonl.gz")];
  const reports = ["A", "B", "C", "D", "E", "H"].map((name) => [`lab-${name}`, of(name), name === "C" ? "none" : "incident"]);
  for (const incident of ["meta-2021-10-04", "meta-2024-03-05"]) {
    const folder = join(made, `input-${incident}`);
    const probes = readdirSync(folder).filter((file) => file.endsWith(".jsonl.gz")).map((file) => join(folder, file));
    reports.push([incident, [join(root, "data/meta.toml"), join(folder, "mrt"), "--probes", ...probes], "incident"]);
  }
  reports.push(["archives-only", of("A").slice(0, 2), "incident"]);
  reports.push(["probes-only", [profile, "--probes", ...of("A").slice(3)], "incident"]);
  reports.push(["could-not-tell", [profile, join(lab, "A/mrt/copen/rib.20261122.091309.mrt.gz")], "unknown"]);
  reports.push(["survey", ["--all-origins", join(made, "input-meta-2021-10-04/mrt")], "incident"]);
  const strange = join(made, "input-hostile");
  mkdirSync(strange, { recursive: true });
  reports.push(["hostile", hostile(root, strange), "incident"]);
  return reports;
}

function run(program, args) {
  return spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
}

/**
 * The largest report: 10,000 withdrawals seen by 2,000 vantage points, which `tests/integration/large.rs` sends through the pipeline. The
 * program renders it again from the JSON which that test leaves.
 */
function large(tally, program, root, made) {
  const left = join(root, "target/tmp/large/incidents.json");
  if (!existsSync(left)) {
    console.log("SKIPPED: the largest report in a browser: target/tmp/large is not there; run cargo test --test integration large");
    return [];
  }
  const folder = join(made, "large");
  const ended = run(program, ["report", left, "--out", folder]);
  if (ended.status === ENDS.incident) return [{ name: "large", folder, large: true }];
  tally.failed += 1;
  console.log(`FAILED large: faultline report ended with ${ended.status}, not ${ENDS.incident}: ${ended.stderr.slice(0, 400)}`);
  return [];
}

/** Makes them anew below `made`; gives name and folder of each. */
export function make(tally, program, root, made) {
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  for (const incident of ["meta-2021-10-04", "meta-2024-03-05"]) {
    const drill = run(program, ["drill", join(root, "data", incident, "timeline.toml"), "--out", join(made, `input-${incident}`)]);
    if (drill.status !== 0) throw new Error(`faultline drill ended with ${drill.status}: ${drill.stderr}`);
  }
  const reports = [];
  for (const [name, args, end] of wanted(root, made)) {
    const folder = join(made, name);
    const ended = run(program, ["analyze", ...args, "--out", folder]);
    if (ended.status === ENDS[end] && existsSync(join(folder, "report.html"))) {
      reports.push({ name, folder });
    } else {
      tally.failed += 1;
      console.log(`FAILED ${name}: faultline analyze ended with ${ended.status}, not ${ENDS[end]}: ${ended.stderr.slice(0, 400)}`);
    }
  }
  // The one which takes longest is looked at first.
  return [...large(tally, program, root, made), ...reports];
}
