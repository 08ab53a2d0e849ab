// Facts and tables of a page against incidents.json: a few which matter most.
import { harmless, micros } from "./json.mjs";

const number = (text) => Number(text.replaceAll(",", ""));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const clean = (text) => harmless(text, "\ufffd");

/** Runs in the browser: sections with their facts and tables. */
function sections() {
  const table = (table) => ({
    heads: [...table.querySelectorAll("th")].map((head) => head.textContent),
    rows: [...table.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
    more: table.nextElementSibling?.matches(".more") ? table.nextElementSibling.textContent : "",
  });
  return {
    outcome: document.querySelector(".outcome").textContent,
    intro: [...document.querySelectorAll("header li")].map((item) => item.textContent),
    sections: [...document.querySelectorAll("main section")].map((section) => ({
      title: section.querySelector("h2").textContent,
      items: [...section.querySelectorAll(":scope > ul > li")].map((item) => item.textContent),
      facts: Object.fromEntries([...section.querySelectorAll("dl div")].map((fact) => [fact.querySelector("dt").textContent, fact.querySelector("dd").textContent])),
      tables: [...section.querySelectorAll("table")].map(table),
    })),
  };
}

export async function tables(expect, page, json) {
  const { outcome, intro, sections: all } = await page.evaluate(sections);
  expect(outcome === clean(loudest(json)), () => `the outcome is "${outcome}"`);
  const by = (start) => all.find(({ title }) => title.startsWith(start));
  for (const incident of json.incidents ?? []) {
    const section = by(`Incident ${incident.number}: `);
    ofIncident(expect, section, incident);
    const said = json.incidents.length === 1 ? intro : section.items;
    for (const sentence of incident.in_short) expect(said.includes(clean(sentence)), () => `in short it does not say "${sentence}"`);
  }
  if (json.outages) rowsOf(expect, find(by("Outages"), "origin", "peers"), json.outages.length, "outages");
  const settings = find(by("Settings"), "setting", "in force");
  expect(String(settings.rows.map(([key, value]) => `${key}=${value}`)) === String(json.settings.map(({ key, value }) => `${key}=${value}`)), "the settings are others");
  for (const file of json.completeness.bgp_files) {
    const row = find(by("Data completeness"), "file", "collector").rows.find(([path]) => path === clean(file.path));
    expect(row && number(row[3]) === file.records, () => `${file.path}: ${row?.[3]} records, not ${file.records}`);
  }
}

/** What a page says loudest: of one incident its headline. */
export const loudest = (json) => (json.incidents?.length === 1 ? json.incidents[0].headline : json.outcome.sentence);

const find = (section, ...heads) => section.tables.find((table) => heads.every((head) => table.heads.includes(head)));

/** A table has so many rows, or says how many more there are. */
function rowsOf(expect, table, count, what) {
  const shown = table?.rows.length ?? 0;
  const more = number(/[\d,]+/.exec(table?.more ?? "")?.[0] ?? "0");
  expect(shown + more === count, () => `${what}: ${shown} rows and ${more} more, not ${count}`);
}

function ofIncident(expect, section, incident) {
  const began = new Date(micros(incident.began.latest) / 1_000).toISOString().slice(0, 19).replace("T", " ");
  expect(section?.title === `Incident ${incident.number}: ${incident.layer}, ${began}`, () => `incident ${incident.number} is called "${section?.title}"`);
  const { facts } = section;
  expect(facts.proof === incident.proof && facts["seen by"] === clean(incident.seen_by), () => `facts are ${JSON.stringify(facts)}`);
  const counted = /([\d,]+) prefix(?:es)? withdrawn/.exec(incident.headline);
  if (counted) expect(number(counted[1]) === incident.withdrawals.length, () => `${counted[0]}, and ${incident.withdrawals.length} in incidents.json`);
  if (incident.withdrawals.length > 0) {
    rowsOf(expect, find(section, "prefix", "first statement"), incident.withdrawals.length, "withdrawals");
    const witnesses = find(section, "prefix", "lost by");
    for (const [place, row] of witnesses.rows.entries()) {
      const { prefix, statements } = incident.withdrawals[place];
      expect(row[0].startsWith(prefix) && number(row.at(-1)) === statements.length, () => `${row[0]}: ${row.at(-1)} statements, not ${statements.length}`);
    }
  }
  const losses = find(section, "targets", "failed attempts");
  if (incident.losses.length > 0) {
    const column = (head) => sum(losses.rows.map((row) => number(row[losses.heads.indexOf(head)])));
    // A target which fails twice is one target.
    const targets = new Set(incident.losses.map(({ layer, vantage, check, target }) => JSON.stringify([layer, vantage, check, target]))).size;
    expect(column("targets") === targets, () => `${column("targets")} targets lost, not ${targets}`);
    const failed = sum(incident.losses.flatMap(({ evidence }) => evidence.map(({ count }) => count)));
    expect(column("failed attempts") === failed, () => `${column("failed attempts")} failed attempts, not ${failed}`);
  }
  const chain = section.tables.filter(({ heads }) => ["when (UTC)", "layer", "what"].every((head) => heads.includes(head)) && heads[0] === "number").flatMap(({ rows }) => rows);
  expect(chain.length === incident.chain.length, () => `the chain has ${chain.length} rows`);
  for (const [place, row] of chain.entries()) {
    const { what, at } = incident.chain[place] ?? {};
    const clock = new Date(micros(at.latest) / 1_000).toISOString().slice(11, 17);
    expect(row[0] === String(place + 1) && row[3] === clean(what) && row[1].includes(clock), () => `row ${place + 1} of the chain is ${row}`);
  }
}
