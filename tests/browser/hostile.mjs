// Input whose every name tries to leave its place: markup, quotes, marks of direction, controls, and words too long for any column.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";

const MARKUP = `</script><img src=x onerror=alert(1)>`;
const QUOTES = `"' onmouseover="alert(2)" x='`;
const STEERING = "\u202eesrever\u202c \u2066\u200f\u001b[2J\u0007\u0000\u0085";
const LONG = "W".repeat(90);
/** Stands in every name, so that the check can tell that they were all shown. */
export const SIGN = "zz-hostile";

const name = (what) => `${what} ${SIGN} ${MARKUP} ${QUOTES} ${STEERING}`;
const VANTAGE = name("vantage");

/** Writes a profile and probe results made of lab case B; gives the arguments of `faultline analyze`. */
export function hostile(root, folder) {
  const probes = join(folder, `probes ${MARKUP.replaceAll("/", "∕")} ' "`);
  mkdirSync(probes, { recursive: true });
  const profile = join(folder, "org.toml");
  writeFileSync(profile, renamed(readFileSync(join(root, "data/lab/lab.toml"), "utf8")));
  for (const kind of ["dns", "http"]) {
    const lines = gunzipSync(readFileSync(join(root, `data/lab/B/${kind}.jsonl.gz`))).toString().trimEnd().split("\n");
    const changed = lines.map((line, number) => JSON.stringify(spoilt(JSON.parse(line), number)));
    // A record which cannot be read, and a field nobody knows, are shown by name.
    changed.push(JSON.stringify({ ...JSON.parse(lines[0]), ts: name("time") }), JSON.stringify({ ...JSON.parse(lines[1]), [name("field")]: 1 }));
    writeFileSync(join(probes, `${kind} ${LONG}.jsonl`), changed.join("\n") + "\n");
  }
  return [profile, join(root, "data/lab/B/mrt"), "--probes", probes];
}

function renamed(profile) {
  const quoted = (text) => JSON.stringify(text).replaceAll("\u0085", "\\u0085");
  return profile
    .replace(/^name = "Megacorp.*$/m, () => `name = ${quoted(name("organization"))}`)
    .replace(/^note = .*$/m, () => `note = ${quoted(`${name("note")} ${LONG}`)}`)
    .replace(/^label = "name server a"$/gm, () => `label = ${quoted(name("label"))}`)
    .replace(/^label = "web"$/gm, () => `label = ${quoted(LONG)}`)
    .replace(/^name = "web"$/m, () => `name = ${quoted(name("service"))}`)
    .replace(/^name = "web by name"$/m, () => `name = ${quoted(name("probe"))}`)
    .replace(/^name = "control web"$/m, () => `name = ${quoted(name("control"))}`)
    .replaceAll(`"client-a"`, () => quoted(VANTAGE));
}

function spoilt(record, number) {
  if (record.vantage === "client-a") record.vantage = VANTAGE;
  if ("body" in record && number % 3 === 0) record.body = `${record.body ?? ""} ${name("body")}`;
  if ("stage" in record) record.server = name("server");
  if (record.stage === "dns" || record.stage === "http") record.error = name("error");
  for (const answer of record.answers ?? []) if (answer.type === "TXT") answer.data = name("answer");
  // A name server may answer with an alias of any name: it becomes a host name of the service.
  if (record.qname === "www.megacorp.example" && record.answers?.length && number % 7 === 0) {
    record.answers.unshift({ name: "www.megacorp.example", type: "CNAME", ttl: 5, data: `alias-${SIGN}<img/src=x/onerror=alert(3)>.example.` });
  }
  if (record.answers?.length && number % 5 === 0) record.answers.push({ type: "TXT", ttl: 5, data: name("answer") });
  return record;
}
