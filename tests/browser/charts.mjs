// The SVG files beside a report, each opened by itself.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ofFile } from "./figures.mjs";
import { rows } from "./geometry.mjs";
import { harmless, micros, place, resolve } from "./json.mjs";
import { sourced } from "./numbers.mjs";

/** Which list of a timeline a file shows. */
const LISTS = { glance: ["groups", "layers"], onset: ["groups", "layers"], recovery: ["groups", "layers"], visibility: ["visibility"], map: ["map/rows"], lanes: ["lanes"], outages: ["outages"] };

/** Files there are, and those which pictures of the page name. */
export async function charts(tally, open, report, json, figures) {
  const folder = join(report.folder, "charts");
  let files = [];
  try {
    files = readdirSync(folder).sort();
  } catch {
    // A report without pictures has no such folder.
  }
  await tally.check(report.name, "every picture has its file", (expect) => {
    const wanted = figures.map(({ id }) => `${id}.svg`).sort();
    expect(String(files) === String(wanted), () => `files are ${files}, pictures ${wanted}`);
  });
  if (files.length === 0) return 0;
  await tally.check(report.name, "charts/*.svg", async (expect) => {
    for (const file of files) {
      const { page, watch } = await open(pathToFileURL(join(folder, file)).href, { width: 1640, height: 900 });
      await one(expect, page, json, figures.find(({ id }) => `${id}.svg` === file), file, report);
      for (const wrong of watch.wrong) expect(false, `${file}: ${wrong}`);
      await page.context().close();
    }
  });
  return files.length;
}

async function one(expect, page, json, figure, file, report) {
  const shown = await page.evaluate(ofFile);
  const source = figure.rows[0].json.replace(/\/(visibility|lanes|map\/rows|groups|layers|outages)(\/.*)?$/, "");
  const timeline = resolve(json, source);
  // A survey is drawn over all that was recorded.
  const { from, until } = timeline.window ?? timeline.recorded_bgp;
  const whole = { id: file, from: micros(from), until: micros(until) };
  const closer = /-(onset|recovery)\.svg$/.test(file);
  expect(whole.from <= figure.from && figure.until <= whole.until, () => `${file}: the page draws it from outside the window`);
  const window = closer ? { ...whole, from: figure.from, until: figure.until } : whole;
  const has = LISTS[file.slice(0, -4).split("-").at(-1)].some((list) => resolve(timeline, `/${list}`).length > 0);
  expect(has && shown.rows.length > 0, () => `${file}: nothing is drawn`);
  rows(expect, json, { ...window, rows: shown.rows });
  sourced(expect, json, file, shown.words);
  for (const text of shown.bare) expect(!/\d/.test(text), () => `${file}: "${text}" has a number which names no source`);
  for (const text of shown.outside) expect(false, `${file}: "${text}" is out of the picture`);
  for (const text of shown.over) expect(false, `${file}: text lies over text: ${text}`);
  expect(shown.foreign === 0, () => `${file}: it holds what only a page may hold`);
  const caption = harmless(figure.caption.map(({ text }) => text).join(""), " ").replaceAll("\ufffd", " ");
  const begins = caption.split(/\s+/).join(" ").trim();
  expect(shown.caption.split(/\s+/).join(" ").includes(begins), () => `${file}: the caption is "${shown.caption}"`);
  moments(expect, shown, window, figure, file);
}

function moments(expect, shown, window, figure, file) {
  const pixel = (x) => shown.plot.left + Math.floor((x * shown.plot.width) / 100_000);
  const wanted = figure.marks.map(({ kind, x, width }) => `${kind} ${pixel(Math.round((x + width) * 100))}`);
  const found = shown.marks.map(({ kind, x }) => `${kind} ${x}`);
  expect(String(wanted) === String(found), () => `${file}: marks stand at ${found}, not at ${wanted}`);
  expect(shown.ticks.length > 1, () => `${file}: no times stand under it`);
  let day = new Date(window.from / 1_000).toISOString().slice(0, 10);
  for (const { text, x } of shown.ticks) {
    if (text.includes("-")) [day] = text.split(" ");
    const clock = text.includes(":") ? text.split(" ").at(-1) : "00:00";
    const at = Date.parse(`${day}T${clock.padEnd(8, ":00")}Z`) * 1_000;
    expect(x === pixel(place(at, window)), () => `${file}: "${text}" stands at ${x}, not at ${pixel(place(at, window))}`);
  }
}
