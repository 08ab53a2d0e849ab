// The dashboard in the browser, while lab case A is replayed: before, while and after the incident, on a phone and on a desk.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { SIGN, hostile } from "./hostile.mjs";
import { axe, outside } from "./layout.mjs";

/** How many times faster than it was recorded; the incident is open for some seconds then. */
const SPEED = "4x";
const WINDOWS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
/** Milliseconds until something which is waited for must be there. */
const PATIENCE = 60_000;
/** A screenshot is as tall as this at most. */
const TALL = 4_000;

/** Starts the program; gives the first match of a pattern in what it tells, and the process. */
async function start(program, args, pattern) {
  const { FAULTLINE_TOKEN: _, ...env } = process.env;
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env });
  const said = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const found = pattern.exec(line);
    if (found) {
      child.stderr.resume();
      return { child, found: found[1] };
    }
  }
  throw new Error(`faultline ${args[0]} ended: ${said.join(" ").slice(0, 400)}`);
}

/** A replay of lab case A, and who watches it with a dashboard; gives the dashboard's address. */
async function watched(program, root, profile) {
  const archives = join(root, "data/lab/A/mrt");
  const replay = await start(program, ["replay", archives, "--listen", "127.0.0.1:0", "--speed", SPEED], /(ws:\/\/[^ ;]+)/);
  const tables = ["cbird", "cfrr"].flatMap((name) => readdirSync(join(archives, name)).filter((file) => file.startsWith("rib.")).map((file) => join(archives, name, file)));
  const args = ["watch", profile, "--seed", ...tables, "--stream", replay.found, "--everything", "--replayed", "--dashboard=127.0.0.1:0"];
  const watch = await start(program, args, /dashboard is at (http:\/\/[^ ]+)/).catch((error) => {
    replay.child.kill();
    throw error;
  });
  const end = () => [watch.child, replay.child].forEach((child) => child.kill());
  const ended = new Promise((resolve) => watch.child.on("exit", resolve));
  return { address: watch.found, end, ended };
}

/** Opens the page; what goes wrong in it is noted. */
async function open(browser, address, viewport, colorScheme = "light") {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  const wrong = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("data:")) wrong.push(`it fetches ${request.url()}`);
  });
  page.on("console", (message) => {
    // When the watch ends the browser says that it cannot connect again.
    if (["error", "warning"].includes(message.type()) && !message.text().includes("ERR_")) wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`a dialog opens: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.addInitScript(() => {
    window.stopped = [];
    document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  await page.goto(address);
  return { page, wrong };
}

/** Room, contrast and names at this moment; and a screenshot. */
async function looks(tally, page, source, name, out) {
  await tally.check(name, "room", async (expect) => {
    for (const found of await page.evaluate(outside)) expect(false, found);
    expect(true);
  });
  await tally.check(name, "axe", async (expect) => {
    await page.evaluate(source);
    const { rules, found } = await page.evaluate(axe, null);
    expect(rules >= 10, `only ${rules} rules were looked at`);
    for (const words of found) expect(false, words);
  });
  const { width, height } = await page.evaluate(() => ({ width: innerWidth, height: document.documentElement.scrollHeight }));
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true, clip: { x: 0, y: 0, width, height: Math.min(height, TALL) } });
}

/** Runs in the browser: whether what the page says is what the API says. The page may be a second behind. */
async function same() {
  const { prefixes } = await (await fetch("/api/v1/prefixes")).json();
  const cards = [...document.querySelectorAll(".cards .card[id^=p]")].map((card) => [card.querySelector(".mono").textContent, card.textContent]);
  const shown = Object.fromEntries(cards);
  const right = ({ prefix, label, visibility: { seeing, lost, unknown } }) =>
    shown[prefix]?.includes(label ?? "") && shown[prefix].includes(`${seeing} of ${seeing + lost + unknown} ASes see it`);
  return prefixes.length > 0 && cards.length === prefixes.length && prefixes.every(right);
}

/** Heights of a chart at its right edge, in percent: what is drawn is what is counted. */
async function charts(expect, page) {
  const { prefixes } = await page.evaluate(async () => (await fetch("/api/v1/prefixes")).json());
  const paths = await page.evaluate(() => [...document.querySelectorAll(".cards .card[id^=p]")].map((card) => ({
    prefix: card.querySelector(".mono").textContent,
    has: card.querySelector("path.has").getAttribute("d"),
    lost: card.querySelector("path.lost").getAttribute("d"),
  })));
  for (const { prefix, has, lost } of paths) {
    const { course } = prefixes.find((known) => known.prefix === prefix);
    const worst = Math.min(...course.map(({ visibility: { seeing, lost, unknown } }) => (seeing + unknown) / (seeing + lost + unknown || 1)));
    const tops = [...lost.matchAll(/M[\d.]+ ([\d.]+)H/g)].map(([, y]) => 100 - Number(y));
    const drawn = tops.length === 0 ? 1 : Math.min(...tops) / 100;
    expect(has !== "" || worst === 0, `${prefix}: nothing is drawn`);
    expect(Math.abs(drawn - worst) < 0.011, `${prefix}: the worst drawn is ${drawn}, the worst counted ${worst}`);
  }
}

/** Before, while and after. */
async function course(tally, browser, program, root, source, out) {
  const name = "dashboard";
  const check = (what, expectations) => tally.check(name, what, expectations);
  const { address, end, ended } = await watched(program, root, join(root, "data/lab/lab.toml"));
  try {
    const phone = await open(browser, address, WINDOWS.phone);
    const desk = await open(browser, address, WINDOWS.desk);
    const dark = await open(browser, address, WINDOWS.phone, "dark");
    const wait = (page, selector) => page.waitForSelector(selector, { timeout: PATIENCE });
    await wait(phone.page, "#state.good");
    await wait(phone.page, ".card.good .condition");
    await looks(tally, phone.page, source, `${name}-phone-before`, out);
    await check("feed health comes first", async (expect) => {
      const heads = await phone.page.evaluate(() => [...document.querySelectorAll("main h2")].map((head) => head.textContent));
      expect(heads[0] === "Can I see?" && heads[1] === "Is anything wrong?", () => String(heads));
      const seen = await phone.page.evaluate(() => document.querySelector("#state").getBoundingClientRect().bottom < innerHeight);
      expect(seen, "whether anything is wrong is not on the first screen of a phone");
    });
    for (const { page } of [phone, desk, dark]) await wait(page, "#state.bad");
    for (const { page } of [phone, desk, dark]) await wait(page, "h2#open-title");
    await looks(tally, phone.page, source, `${name}-phone-incident`, out);
    await looks(tally, desk.page, source, `${name}-desk-incident`, out);
    await looks(tally, dark.page, source, `${name}-dark-incident`, out);
    await check("the page and the API agree", async (expect) => {
      expect(await desk.page.waitForFunction(same, null, { timeout: PATIENCE, polling: 250 }));
    });
    await check("charts", (expect) => charts(expect, desk.page));
    await check("without script", (expect) => scriptless(expect, browser, address));
    const href = await desk.page.getAttribute(".card a[href^=\"/incidents/\"]", "href");
    const report = await open(browser, new URL(href, address).href, WINDOWS.desk);
    await check("the report of an incident", async (expect) => {
      expect((await report.page.textContent("h2")).length > 0 && (await report.page.$$("figure")).length > 0, "it has no pictures");
      expect(report.wrong.length === 0, () => report.wrong.join("; "));
      expect((await report.page.evaluate(() => window.stopped)).length === 0, "the policy stopped something of it");
    });
    for (const { page } of [phone, desk]) await wait(page, ".card.over");
    await looks(tally, phone.page, source, `${name}-phone-after`, out);
    await looks(tally, desk.page, source, `${name}-desk-after`, out);
    await ended;
    await check("a page which is not told anything any more says so", async (expect) => {
      await phone.page.waitForSelector("#stale:not([hidden])", { timeout: PATIENCE });
      expect((await phone.page.textContent("#stale")).includes("s old"), "it does not say how old it is");
      const filter = await phone.page.evaluate(() => getComputedStyle(document.querySelector("main")).filter);
      expect(filter === "grayscale(1)", "what was good still looks good");
    });
    await phone.page.screenshot({ path: join(out, `${name}-phone-stale.png`) });
    await check("nothing from elsewhere, nothing said, nothing stopped", async (expect) => {
      for (const { page, wrong } of [phone, desk, dark]) {
        expect(wrong.length === 0, () => wrong.join("; "));
        expect((await page.evaluate(() => window.stopped)).length === 0, "the policy stopped something");
      }
    });
    for (const { page } of [phone, desk, dark, report]) await page.context().close();
  } finally {
    end();
  }
}

/** The same words are there without script. */
async function scriptless(expect, browser, address) {
  const context = await browser.newContext({ viewport: WINDOWS.phone, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address);
  const words = await page.textContent("main");
  expect(words.includes("Can I see?") && words.includes("ASes see it") && words.includes("Incident 1:"), "words are missing");
  expect((await page.$$("svg path.has")).length > 0, "charts are missing");
  await context.close();
}

/** Names which try to leave their places are text, and nothing has no room. */
async function strange(tally, browser, program, root, source, out) {
  const name = "dashboard-hostile";
  const folder = join(out, "reports/input-dashboard");
  mkdirSync(folder, { recursive: true });
  const [profile] = hostile(root, folder);
  const { address, end } = await watched(program, root, profile);
  try {
    const { page, wrong } = await open(browser, address, WINDOWS.phone);
    await page.waitForSelector("h2#open-title", { timeout: PATIENCE });
    await looks(tally, page, source, `${name}-phone`, out);
    await tally.check(name, "hostile names stay names", async (expect) => {
      const text = await page.evaluate(() => document.body.textContent);
      for (const what of ["organization", "note", "label", "service"]) expect(text.includes(`${what} ${SIGN}`), `${what} is not shown`);
      expect((await page.$$("img")).length === 0, "a name became an image");
      expect((await page.$$("body script")).length === 1, "a name became a script");
      expect(wrong.length === 0, () => wrong.join("; "));
    });
    await page.context().close();
  } finally {
    end();
  }
}

/** All checks of the dashboard; prints one line. */
export async function dashboard(tally, browser, program, root, source, out) {
  const before = tally.failed;
  await course(tally, browser, program, root, source, out);
  await strange(tally, browser, program, root, source, out);
  console.log(`${tally.failed === before ? "ok    " : "FAILED"} dashboard: before, while and after an incident, on a phone and on a desk`);
}
