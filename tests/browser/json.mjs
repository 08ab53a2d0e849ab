// incidents.json as the pictures name it: JSON pointers, times in whole microseconds, steps as counts.

/** The value at a JSON pointer (RFC 6901); `undefined` if there is none. */
export function resolve(json, pointer) {
  if (pointer === "") return json;
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce((value, part) => (value === null || typeof value !== "object" ? undefined : value[part]), json);
}

/** Microseconds since 1970. Below 2^53 for 285 years, so a number is exact. */
export function micros(text) {
  const [, whole, part = ""] = /^(.{19})(?:\.(\d+))?Z$/.exec(text);
  return Date.parse(`${whole}Z`) * 1000 + Number(part.padEnd(6, "0"));
}

/** Where a time stands, in hundredths of a unit of an axis of 1000 units. */
export function place(at, { from, until }) {
  const x = (BigInt(at - from) * 100_000n) / BigInt(Math.max(until - from, 1));
  return Math.min(100_000, Math.max(0, Number(x)));
}

/** A share of the height in hundredths of a unit of 100. */
export function share(part, whole) {
  return whole === 0 ? 0 : Math.floor((Math.min(part, whole) * 10_000) / whole);
}

/** Four kinds of steps: which counts they have, as a row names them, how layers stack, and which share tells how low it is. */
export const KINDS = [
  {
    has: "seeing",
    counts: { "has a route": "seeing", "has none": "lost", "cannot be told": "unknown" },
    whole: (step) => step.seeing + step.lost + step.unknown,
    layers: { lost: ["seeing", "lost", "unknown"], unknown: ["seeing", "unknown"], has: ["seeing"] },
    level: ["seeing", "unknown"],
  },
  {
    has: "good",
    counts: { good: "good", failing: "failing", "in between": "unsure", "not probed": "unprobed" },
    whole: (step, of) => of.series,
    layers: { failing: ["good", "unsure", "failing"], unsure: ["good", "unsure"], good: ["good"] },
    level: ["good"],
  },
  {
    has: "has",
    counts: { has: "has", "has lost": "lost", "cannot be told": "unknown", "has another origin's": "foreign" },
    whole: (step) => step.has + step.lost + step.unknown + step.foreign,
    layers: {
      lost: ["has", "lost", "unknown", "foreign"],
      unknown: ["has", "foreign", "unknown"],
      foreign: ["has", "foreign"],
      has: ["has"],
    },
    level: ["has", "unknown"],
  },
  {
    has: "prefixes",
    counts: { "prefixes withdrawn": "prefixes" },
    whole: (step, of) => of.prefix_count,
    layers: { lost: ["prefixes"] },
    level: ["prefixes"],
  },
];

/** The kind of what has these steps. A vantage point which never had a route has lost none, and is drawn so. */
export function kindOf(series) {
  const kind = KINDS.find((kind) => kind.has in series.steps[0]);
  if (kind.has !== "has" || series.steps.some((step) => step.has + step.foreign > 0)) return kind;
  const { lost: never, ...layers } = kind.layers;
  return { ...kind, layers: { never, ...layers } };
}

/** How high a layer, or the level, stands at a step, in hundredths of a unit. */
export function height(kind, parts, step, series) {
  return share(parts.reduce((sum, part) => sum + step[part], 0), kind.whole(step, series));
}

/** What a page shows of text from outside: without what could steer or reorder it. `instead` stands for each such character. */
export function harmless(text, instead) {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u061c]/g, instead);
}
