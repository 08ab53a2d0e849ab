// Every number in a picture is a number of incidents.json, and none stands there without its source.
import { harmless, micros, place, resolve } from "./json.mjs";

/** What stands in the JSON form at the place a number names: itself, the length of a list, or the sum of a step's counts. */
export function numberAt(json, pointer) {
  const value = resolve(json, pointer);
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.length;
  const counts = ["seeing", "lost", "unknown"].map((name) => value?.[name]);
  return counts.every((count) => typeof count === "number") ? counts.reduce((a, b) => a + b) : undefined;
}

/** Each piece with a source shows what stands there. */
export function sourced(expect, json, who, pieces) {
  for (const { text, json: pointer } of pieces.filter((piece) => piece.json !== null)) {
    const number = numberAt(json, pointer);
    expect(String(number) === text, () => `${who}: ${text} stands at ${pointer}, where incidents.json has ${number}`);
  }
}

/** Words without source hold no digit once names from `allowed` are taken out: those are names, not numbers. */
function unsourced(expect, who, pieces, allowed) {
  for (const { text } of pieces.filter((piece) => piece.json === null)) {
    const rest = allowed.reduce((text, name) => text.replaceAll(name, ""), text);
    expect(!/\d/.test(rest), () => `${who}: "${text}" has a number which names no source`);
  }
}

const LISTED = / and ([\d,]+) more/;

/** A list which ends with "and N more": so many as are missing from it. Gives the text without that. */
function listed(expect, who, text, names) {
  const [, more] = LISTED.exec(text) ?? [];
  const shown = names.filter((name) => text.includes(name));
  // A name may hold another one: then more are found than were written, never fewer.
  const written = text.replace(LISTED, "").replace(/^above: /, "").split(", ").length;
  const missing = names.length - written;
  expect(shown.length >= written, () => `${who}: "${text}" lists what is not there`);
  expect(missing === Number((more ?? "0").replaceAll(",", "")), () => `${who}: "${text}" leaves out ${missing}`);
  return text.replace(LISTED, "");
}

const FAMILIES = { ipv4: "IPv4", ipv6: "IPv6" };

/** The label which the row at a place should have; for groups how it begins and ends. */
function label(expect, who, row, series, instead) {
  const clean = (text) => harmless(text, instead);
  const is = (wanted) => expect(row.label === clean(wanted), () => `${who}: the label is "${row.label}", not "${clean(wanted)}"`);
  if (Array.isArray(series)) {
    is(`${grouped(row.units / 100)} vantage points`);
  } else if ("prefix_count" in series) {
    is(`${series.origin === null ? "unknown origin" : `AS${series.origin}`} ${series.prefixes[0].prefix}`);
  } else if ("prefixes" in series) {
    const right = row.label.startsWith(`${grouped(series.prefixes)} `) && row.label.endsWith(`, ${FAMILIES[series.family] ?? series.family}`);
    expect(right, () => `${who}: the label does not say ${series.prefixes}, ${series.family}`);
  } else if ("prefix" in series) {
    is(series.label === null ? series.prefix : `${series.prefix} ${series.label}`);
  } else if ("vantage" in series) {
    is(named(series));
  } else {
    is(series.name);
  }
}

const named = (row) => `${row.votes ? "" : "○ "}${row.vantage}`;
const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

/** The words, labels, caption and what was left out of one figure of a page. */
export function ofFigure(expect, json, figure, instead = "\ufffd") {
  const clean = (text) => harmless(text, instead);
  for (const row of figure.rows) {
    const who = `${figure.id}: ${row.label.slice(0, 60)}`;
    const series = resolve(json, row.json);
    label(expect, who, row, series, instead);
    sourced(expect, json, who, row.words);
    if (Array.isArray(series)) {
      const names = series.slice(0, row.units / 100).map((row) => clean(named(row)));
      expect(row.steps === names.map((name) => `${name}\n`).join(""), () => `${who}: the names of the lines are others`);
      const text = listed(expect, who, row.words.map(({ text }) => text).join(""), names);
      unsourced(expect, who, [{ text, json: null }], names);
    } else {
      expect(row.words.length > 0 || "vantage" in series, () => `${who}: no number stands beside it`);
      unsourced(expect, who, row.words, []);
    }
  }
  caption(expect, json, figure, clean);
  leftOut(expect, json, figure);
}

function caption(expect, json, figure, clean) {
  sourced(expect, json, figure.id, figure.caption);
  const [pointer] = figure.caption.flatMap(({ json }) => (json?.endsWith("/map/prefixes") ? [json] : []));
  const prefixes = pointer ? resolve(json, pointer).map(clean) : [];
  for (const piece of figure.caption.filter(({ json }) => json === null)) {
    const list = prefixes.length > 0 && piece.text.includes("/") ? piece.text.split(". Above")[0] : null;
    const text = list === null ? piece.text : listed(expect, figure.id, list, prefixes);
    unsourced(expect, figure.id, [{ text, json: null }], prefixes);
  }
}

/** What a figure says it left out is what incidents.json has and the figure has not. */
function leftOut(expect, json, figure) {
  const [, list] = /^(.*\/(?:visibility|lanes|map\/rows|groups|layers|outages))(?:\/\d+)?$/.exec(figure.rows[0].json) ?? [];
  const all = resolve(json, list);
  const glance = /-(glance|onset|recovery)$/.test(figure.id);
  if (glance || !Array.isArray(all)) return expect(figure.more === "", () => `${figure.id}: "${figure.more}"`);
  const many = figure.rows.some((row) => row.json === list);
  const shown = many ? figure.rows[0].units / 100 : figure.rows.length;
  const unseen = all.filter((series) => series.steps.length === 0).length;
  const told = [...figure.more.matchAll(/([\d,]+) ([^;]*)/g)].map(([, number, words]) => [Number(number.replaceAll(",", "")), words]);
  const count = (wanted) => told.find(([, words]) => words.includes(wanted))?.[0] ?? 0;
  expect(count("not drawn") === all.length - unseen - shown, () => `${figure.id}: ${shown} of ${all.length} are drawn, ${unseen} never seen, and it says "${figure.more}"`);
  expect(count("never seen") === unseen, () => `${figure.id}: ${unseen} were never seen, and it says "${figure.more}"`);
}

/** Marks and flags stand where the chain has its times, each step of it once. */
export function marks(expect, json, figure) {
  const number = Number(/^incident-(\d+)-/.exec(figure.id)?.[1] ?? 0);
  const chain = (json.incidents?.[number - 1]?.chain ?? []).map(({ at, phase }, before) => ({
    number: before + 1,
    kind: phase === "breaks" ? "breaks" : "back",
    earliest: place(micros(at.earliest ?? at.latest), figure),
    latest: place(micros(at.latest), figure),
  }));
  // A closer picture has the steps of one half of the chain.
  const half = figure.id.endsWith("-onset") ? "breaks" : figure.id.endsWith("-recovery") ? "back" : null;
  const shown = chain.filter(({ kind }) => half === null || kind === half);
  expect(figure.marks.length === shown.length, () => `${figure.id}: ${figure.marks.length} marks for ${shown.length} steps`);
  for (const [number, mark] of figure.marks.entries()) {
    const { kind, earliest, latest } = shown[number] ?? {};
    const stands = [mark.x * 100, mark.width * 100, mark.left * 1_000, mark.wide * 1_000].map(Math.round);
    const should = [earliest, latest - earliest, earliest, latest - earliest];
    expect(mark.kind === kind && String(stands) === String(should), () => `${figure.id}: mark ${number + 1} stands at ${stands}, not at ${should}`);
  }
  const flagged = [];
  for (const flag of figure.flags) {
    const numbers = flag.text.split(", ").flatMap((run) => {
      const [first, last = first] = run.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, number) => first + number);
    });
    flagged.push(...numbers);
    const steps = numbers.map((number) => chain[number - 1]);
    const first = Math.min(...steps.map((step) => step?.latest));
    expect(Math.round(flag.x * 100) === first && Math.round(flag.left * 1_000) === first, () => `${figure.id}: flag ${flag.text} stands at ${flag.x}, not at ${first / 100}`);
    expect(steps.every((step) => step?.kind === flag.kind && step.latest - first <= 1_500), () => `${figure.id}: flag ${flag.text} holds what is elsewhere`);
  }
  flagged.sort((a, b) => a - b);
  expect(String(flagged) === String(shown.map(({ number }) => number)), () => `${figure.id}: flags hold ${flagged}`);
}

/** Each tick's words are the time at its place; `left` and `width` are what is seen of the axis, in units. */
export function ticks(expect, figure, left = 0, width = 1_000) {
  for (const tick of figure.ticks) {
    const x = Number.isNaN(tick.x) ? left + (tick.left / 100) * width : tick.x;
    const at = figure.from + (x / 1_000) * (figure.until - figure.from);
    const unit = (figure.until - figure.from) / 1_000;
    const words = tick.text.split(" ");
    const clock = words.at(-1).includes(":") ? words.at(-1) : null;
    const date = words[0].includes("-") ? words[0] : new Date(at / 1_000 + 1).toISOString().slice(0, 10);
    const said = Date.parse(`${date}T${(clock ?? "00:00").padEnd(8, ":00")}Z`) * 1_000;
    expect(Math.abs(said - at) <= unit * 0.02 + 2_000, () => `${figure.id}: "${tick.text}" stands where it is ${new Date(at / 1_000).toISOString()}`);
    const percent = ((x - left) / width) * 100;
    expect(percent >= 0 && percent <= 100 && Math.abs(percent - tick.left) < 0.01, () => `${figure.id}: "${tick.text}" stands at ${tick.left} %`);
  }
}
