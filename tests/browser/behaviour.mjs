// What a reader does with a page: point, zoom, read without script, print.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { ofPage } from "./figures.mjs";
import { harmless, kindOf, micros, resolve } from "./json.mjs";
import { ticks } from "./numbers.mjs";
import { loudest } from "./tables.mjs";

/** Rows of a figure at which the pointer is held. */
const POINTED = 4;

/** The pointer over a row shows the time, the name, and the counts of the step which holds there. */
export async function hover(expect, page, json, figures) {
  for (const figure of figures) {
    const rows = await page.$$(`[id="${figure.id}"] .row[data-json] svg`);
    const every = Math.max(1, Math.floor(rows.length / POINTED));
    for (let number = 0; number < rows.length; number += every) {
      await rows[number].evaluate((plot) => plot.scrollIntoView({ block: "center" }));
      const box = await rows[number].boundingBox();
      for (const at of [0.07, 0.5, 0.93]) {
        const target = { x: box.x + box.width * at, y: box.y + box.height / 2 };
        if (target.y < 60 || target.y > page.viewportSize().height) continue;
        await page.mouse.move(target.x, target.y);
        const told = await page.evaluate(() => ({ text: readout.textContent, hidden: readout.hidden, box: readout.getBoundingClientRect().toJSON(), wide: innerWidth }));
        const who = `${figure.id}: ${figure.rows[number].label.slice(0, 40)} at ${at}`;
        expect(!told.hidden && told.box.left >= 0 && told.box.right <= told.wide, () => `${who}: no readout, or out of the window`);
        const time = figure.from + at * (figure.until - figure.from);
        shows(expect, who, told.text.split("\n"), figure.rows[number], resolve(json, figure.rows[number].json), time, (figure.until - figure.from) / box.width);
      }
    }
  }
  await page.mouse.move(1, 1);
}

function shows(expect, who, lines, row, series, time, pixel) {
  const said = lines.map((line) => /^(.{10}) (.{8,12}) UTC$/.exec(line)).find((found) => found);
  expect(said && Math.abs(Date.parse(`${said[1]}T${said[2]}Z`) * 1_000 - time) < 1.1e6, () => `${who}: it says ${lines}`);
  if (Array.isArray(series)) {
    const middle = Math.floor(row.units / 200);
    const near = series.slice(Math.max(0, middle - 1), middle + 2).some((line) => lines.some((text) => text.endsWith(harmless(line.vantage, "\ufffd"))));
    return expect(near, () => `${who}: it names ${lines}, not the vantage point there`);
  }
  expect(lines[0] === row.label, () => `${who}: it names ${lines[0]}`);
  const kind = kindOf(series);
  const told = row.steps.split(";").filter(Boolean).length;
  if (told !== series.steps.length) return;
  // A pixel is some time: any step which holds within it will do.
  const known = series.steps.map((step) => [micros(step.at), step]);
  const first = known.findLastIndex(([at]) => at <= time - pixel);
  const last = known.findLastIndex(([at]) => at <= time + pixel);
  const counts = (step) => Object.entries(kind.counts).filter(([, field]) => step[field] > 0).map(([name, field]) => `${name}: ${step[field]}`);
  const right = known.slice(Math.max(first, 0), last + 1).map(([, step]) => counts(step).join("\n"));
  if (first < 0) right.push("nothing known yet");
  const found = lines.filter((line) => line !== lines[0] && !line.endsWith(" UTC")).join("\n");
  expect(right.includes(found), () => `${who}: it says ${found}, and should say ${right.join(" or ")}`);
}

/** Zoom by buttons and keys: rows, marks and ticks move together, and "whole" brings all of it back. */
export async function zoom(expect, page, figures) {
  for (const figure of figures) {
    const buttons = await page.$$(`[id="${figure.id}"] .zoom button`);
    expect(buttons.length === 5, () => `${figure.id}: ${buttons.length} buttons`);
    const now = async () => (await page.evaluate(ofPage)).find(({ id }) => id === figure.id);
    const boxes = () => page.$$eval(`[id="${figure.id}"] .row[data-json] svg`, (plots) => plots.map((plot) => plot.getAttribute("viewBox").split(" ").map(Number)));
    const before = await boxes();
    const [closer, , , later, whole] = buttons;
    await closer.focus();
    await page.keyboard.press("Enter");
    await moved(expect, figure, await boxes(), before, [250, 500], await now());
    await page.keyboard.press("Tab");
    const reached = await page.evaluate(() => ({ text: document.activeElement.textContent, outline: getComputedStyle(document.activeElement).outlineStyle }));
    expect(reached.text === "−" && reached.outline !== "none", () => `${figure.id}: Tab leads to ${reached.text}, outline ${reached.outline}`);
    await later.focus();
    await page.keyboard.press("Space");
    await moved(expect, figure, await boxes(), before, [375, 500], await now());
    for (let times = 0; times < 4; times += 1) await closer.click();
    await moved(expect, figure, await boxes(), before, [609.375, 31.25], await now());
    await whole.click();
    const back = await now();
    expect(String(await boxes()) === String(before), () => `${figure.id}: "whole" does not restore the plots`);
    expect(close(back, figure), () => `${figure.id}: "whole" does not restore marks and ticks`);
  }
}

function close(back, figure) {
  const flat = ({ ticks, marks, flags }) => [...ticks, ...marks, ...flags].map(({ text, left, wide }) => [text, left.toFixed(3), wide.toFixed(3)]);
  return String(flat(back)) === String(flat(figure));
}

async function moved(expect, figure, boxes, before, [left, width], now) {
  const right = boxes.every(([x, , wide, high], row) => x === left && wide === width && high === before[row][3]);
  expect(right, () => `${figure.id}: plots show ${boxes[0]}, not ${left} and ${width} more`);
  ticks(expect, now, left, width);
  expect(now.ticks.length > 0, () => `${figure.id}: no tick from ${left}, ${width} wide`);
  for (const [number, mark] of [...now.marks, ...now.flags].entries()) {
    const stands = ((mark.x - left) / width) * 100;
    expect(Math.abs(mark.left - stands) < 0.01, () => `${figure.id}: mark ${number + 1} stands at ${mark.left} %, not at ${stands} %`);
  }
}

/** Without script the page says the same: every text, and every shape. */
export async function withoutScript(expect, browser, url, scripted) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  const closed = await page.$("details:not([open]) > summary");
  if (closed) {
    await closed.click();
    expect(await closed.evaluate((summary) => summary.parentElement.open && summary.nextElementSibling.getBoundingClientRect().height > 0), "a fold does not open");
  }
  const found = await page.evaluate(wholeText);
  const differs = found.lines.findIndex((line, number) => line !== scripted.lines[number]);
  expect(differs < 0 && found.lines.length === scripted.lines.length, () => `without script "${found.lines[differs]}" stands for "${scripted.lines[differs]}"`);
  expect(found.lines.length > 20 && found.shapes === scripted.shapes, () => `${found.shapes} shapes without script, ${scripted.shapes} with it`);
  expect((await page.$$(".zoom")).length === 0, "there are buttons which do nothing");
  await context.close();
}

/** Runs in the browser: all text which can be seen once folds are open, and how many shapes are drawn. */
export function wholeText() {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  document.querySelectorAll(".zoom").forEach((box) => { box.hidden = true; box.style.display = "none"; });
  const lines = document.body.innerText.split("\n").map((line) => line.trim()).filter(Boolean);
  document.querySelectorAll(".zoom").forEach((box) => { box.hidden = false; box.style.display = ""; });
  const drawn = [...document.querySelectorAll("figure path")].filter((path) => path.getBoundingClientRect().width > 0);
  return { lines, shapes: drawn.length };
}

const solid = (text) => text.replace(/[\s\u00ad]+/g, "");

/** Runs in the browser: of each fold a text which stands nowhere else, so that it must be the fold's if it is on paper. */
export function folded() {
  const loose = [...document.querySelectorAll("td, li, p, dd, .name, .words")].filter((element) => !element.closest("details")).map((element) => element.textContent).join("\n");
  const texts = (fold) => [...fold.querySelectorAll("td")].map((cell) => cell.textContent).filter((text) => /^[\w.:/-]{6,24}$/.test(text));
  return [...document.querySelectorAll("details:not(.bulk)")].map((fold) => texts(fold).find((text) => !loose.includes(text))).filter(Boolean);
}

/** On paper: the headline, every step of the chain, and what is folded on the screen. */
export async function print(expect, page, json, path, folds) {
  await page.pdf({ path, format: "A4", printBackground: true });
  const text = execFileSync("pdftotext", ["-layout", path, "-"], { maxBuffer: 1 << 28 }).toString();
  const pages = text.split("\f").length - 1;
  expect(pages > 0 && statSync(path).size > 1_000, () => `${pages} pages`);
  const loose = solid(execFileSync("pdftotext", ["-raw", path, "-"], { maxBuffer: 1 << 28 }).toString());
  const has = (wanted) => loose.includes(solid(wanted));
  expect(has(harmless(loudest(json), "\ufffd")), "the outcome is not on paper");
  for (const incident of json.incidents ?? []) {
    expect(has(harmless(incident.headline, "\ufffd")) || words(loose, incident.headline), () => `"${incident.headline}" is not on paper`);
    for (const { what } of incident.chain) expect(words(loose, what), () => `"${what}" is not on paper`);
  }
  for (const fold of folds) expect(has(fold), () => `"${fold}" is folded on paper`);
  const open = await page.$$eval("details[open]", (open) => open.length);
  expect(open === 0, () => `${open} folds stay open after printing`);
  return pages;
}

/** Every word is there: a sentence in a narrow column may be torn apart by its neighbours, and by signs which no font has. */
function words(loose, sentence) {
  return harmless(sentence, " ").split(/\s+/).filter((word) => /^[\w:./-]+$/.test(word)).every((word) => loose.includes(word) || [...word].length > 20);
}
