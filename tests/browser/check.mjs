// Opens reports in a real browser, and compares what it shows with incidents.json. Prints a line a report, what failed, and last
// `N passed, N failed`. Exit status: 0 all passed, 1 something failed. README.md says how to run it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { dashboard } from "./dashboard.mjs";
import { look } from "./pages.mjs";
import { make } from "./reports.mjs";
import { Tally } from "./tally.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [program, packages, out, ...only] = process.argv.slice(2);
const modules = createRequire(join(resolve(packages), "package.json"));
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");
const ARGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const started = Date.now();
const tally = new Tally();
mkdirSync(out, { recursive: true });
const alone = only.length === 1 && only[0] === "dashboard";
const reports = alone ? [] : make(tally, resolve(program), root, join(resolve(out), "reports"));
console.log(`${reports.length} reports made in ${Math.round((Date.now() - started) / 1_000)} s`);

const waiting = reports.filter(({ name }) => only.length === 0 || only.includes(name));
/** One browser with its own fresh folder. */
async function worker(work) {
  const profile = mkdtempSync(join(tmpdir(), "faultline-pages-"));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS.split(" "), env: { ...process.env, HOME: profile } });
  try {
    await work(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
/** Two browsers share the reports. */
async function shared(browser) {
  for (let report = waiting.shift(); report; report = waiting.shift()) await look(tally, browser, report, axe, resolve(out));
}
await Promise.all([worker(shared), worker(shared)]);
if (only.length === 0 || only.includes("dashboard")) await worker((browser) => dashboard(tally, browser, resolve(program), root, axe, resolve(out)));
console.log(`${Math.round((Date.now() - started) / 1_000)} s`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
