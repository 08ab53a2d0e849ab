// What the paths of a picture say: read back into steps, and compared with those of incidents.json.
import { height, kindOf, micros, place, resolve } from "./json.mjs";

/** So many steps are always drawn whole: twice the fewest columns of a row, and of a line on a map of many. */
const WHOLE = { row: 250, line: 32 };

/** The areas of a path by the row they stand in: for each, where it changes and to which height, in hundredths; 0 is nothing. */
export function areas(path) {
  const rows = new Map();
  let [x, bottom, changes] = [0, 0, null];
  const numbers = (text) => text.trim().split(/[ ,]+/).map((number) => Math.round(Number(number) * 100));
  const put = (value) => {
    if (changes.at(-1)?.[0] === x) changes.pop();
    changes.push([x, value]);
  };
  for (const [, command, rest] of path.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    if (command === "M") {
      [x, bottom] = numbers(rest);
      const row = bottom / 10_000 - 1;
      if (!rows.has(row)) rows.set(row, []);
      changes = rows.get(row);
    } else if (command === "H") {
      [x] = numbers(rest);
    } else if (command === "V") {
      put(bottom - numbers(rest)[0]);
    } else if (command !== "Z") {
      throw new Error(`a path has ${command}`);
    }
  }
  return rows;
}

/** The height at a place: that of the last change not after it. */
function heightAt(changes, x) {
  let found = 0;
  for (const [at, value] of changes) if (at <= x) found = value;
  return found;
}

/** Steps as they are drawn: place and height of each layer; of several at one place the last, and none which changes nothing. */
function drawn(steps, series, window) {
  const kind = kindOf(series);
  const names = Object.keys(kind.layers);
  const found = [];
  for (const step of steps) {
    const x = place(step.at, window);
    if (found.at(-1)?.x === x) found.pop();
    found.push({ x, heights: names.map((name) => height(kind, kind.layers[name], step, series)) });
  }
  return { names, steps: found };
}

const timed = (series) => series.steps.map((step) => ({ ...step, at: micros(step.at) }));

/** A row's paths show exactly these steps: change where they change, to their heights, and nowhere else. */
function exact(expect, who, paths, kept, series, window) {
  const { names, steps } = drawn(kept, series, window);
  for (const [number, name] of names.entries()) {
    const changes = paths[name] ?? [];
    for (const { x, heights } of steps.filter(({ x }) => x < 100_000)) {
      const found = heightAt(changes, x);
      expect(found === heights[number], () => `${who}: ${name} at ${x / 100} is ${found / 100} high, not ${heights[number] / 100}`);
    }
    for (const [x] of changes.filter(([x]) => x < 100_000)) {
      expect(steps.some((step) => step.x === x), () => `${who}: ${name} changes at ${x / 100}, where nothing happened`);
    }
  }
}

/** A line's paths show some of these steps, in order, and the lowest of them. */
function thinned(expect, who, paths, series, window) {
  const all = timed(series);
  const kind = kindOf(series);
  const { names, steps } = drawn(all, series, window);
  if (all.length <= WHOLE.line) return exact(expect, who, paths, all, series, window);
  const places = [...new Set(Object.values(paths).flat().map(([x]) => x))].filter((x) => x < 100_000).sort((a, b) => a - b);
  for (const x of places) {
    const known = all.filter((step) => place(step.at, window) === x);
    const shown = names.map((name) => heightAt(paths[name] ?? [], x));
    const fits = known.some((step) => names.every((name, number) => height(kind, kind.layers[name], step, series) === shown[number]));
    expect(fits, () => `${who}: at ${x / 100} it is ${shown}, which it never was then`);
  }
  const seen = steps.filter(({ x }) => x < 100_000);
  const gauge = names.includes("unknown") ? "unknown" : names.at(-1);
  const lowest = Math.min(...seen.map(({ heights }) => heights[names.indexOf(gauge)]));
  const least = Math.min(...places.map((x) => heightAt(paths[gauge] ?? [], x)));
  expect(least <= lowest, () => `${who}: its lowest, ${lowest / 100}, is not drawn`);
}

/** `data-steps` of a row as steps; the counts are named as the JSON form names them. */
function told(row, series, window) {
  const names = row.counts.split(",").map((name) => kindOf(series).counts[name]);
  return row.steps.split(";").filter(Boolean).map((text) => {
    const [offset, counts] = text.split(":");
    const numbers = counts.split(",").map(Number);
    return { at: window.from + Number(offset), ...Object.fromEntries(names.map((name, number) => [name, numbers[number]])) };
  });
}

const same = (a, b) => Object.keys(b).every((key) => a[key] === b[key]);

/** The steps which a row tells are those of the JSON form: all of them, or some of many, in order, with the lowest. */
function toldSteps(expect, who, row, series, window) {
  const [all, kept] = [timed(series), told(row, series, window)];
  const kind = kindOf(series);
  expect(Object.keys(kind.counts).join() === row.counts, () => `${who}: counts are ${row.counts}`);
  let next = 0;
  for (const step of kept) {
    const found = all.findIndex((known, number) => number >= next && same(known, step));
    expect(found >= 0, () => `${who}: the JSON form has no step ${JSON.stringify(step)}`);
    next = found + 1;
  }
  const level = (step) => height(kind, kind.level, step, series);
  const [lowest, least] = [all, kept].map((steps) => Math.min(...steps.map(level)));
  expect(least === lowest, () => `${who}: the lowest step is not among those told`);
  const last = all.at(-1);
  expect(same(last, kept.at(-1) ?? {}) && kept.length > 0, () => `${who}: the last step is missing`);
  expect(kept.length === all.length || all.length > WHOLE.row, () => `${who}: ${kept.length} of ${all.length} steps are told`);
  return kept;
}

/** Every row of a figure. `row.steps` is there on a page; a file has paths only. */
export function rows(expect, json, figure) {
  for (const row of figure.rows) {
    const who = `${figure.id}: ${row.label.slice(0, 60)}`;
    const series = resolve(json, row.json);
    expect(series !== undefined, () => `${who}: the JSON form has nothing at ${row.json}`);
    if (series === undefined) continue;
    const paths = row.layers.map(({ kind, path }) => [kind, areas(path)]);
    const line = (number) => Object.fromEntries(paths.map(([kind, rows]) => [kind, rows.get(number) ?? []]));
    if (Array.isArray(series)) {
      const count = Math.round(row.units / 100);
      expect(count > 0 && count <= series.length, () => `${who}: ${count} lines of ${series.length}`);
      for (let number = 0; number < count; number += 1) thinned(expect, `${who}, line ${number}`, line(number), series[number], figure);
      const lines = new Set(paths.flatMap(([, rows]) => [...rows.keys()]));
      expect([...lines].every((number) => number < count), () => `${who}: something is drawn below the last line`);
    } else if (row.steps !== undefined) {
      exact(expect, who, line(0), toldSteps(expect, who, row, series, figure), series, figure);
    } else if (series.steps.length <= WHOLE.row) {
      exact(expect, who, line(0), timed(series), series, figure);
    } else {
      thinned(expect, who, line(0), series, figure);
    }
    threshold(expect, who, row, series);
  }
}

/** The dashed line stands where incidents.json has the share. */
function threshold(expect, who, row, series) {
  const millionths = series.open_below_millionths ?? null;
  const wanted = millionths === null ? null : 10_000 - Math.min(Math.floor(millionths / 100), 10_000);
  const found = row.threshold === null ? null : Math.round(Number(/^M0 ([\d.]+)H1000$/.exec(row.threshold)?.[1]) * 100);
  expect(found === wanted, () => `${who}: the threshold stands at ${found}, not at ${wanted}`);
}
