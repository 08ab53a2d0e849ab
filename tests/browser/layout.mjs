// Whether everything has room: nothing sticks out, is cut, or lies over something else. These functions run in the browser.

/** What sticks out of the window, or is cut by its own box. */
export function outside() {
  const wide = document.documentElement.clientWidth;
  const found = [];
  const scroll = document.documentElement.scrollWidth;
  if (scroll > wide) found.push(`the page is ${scroll} wide in a window of ${wide}`);
  // Cut on purpose: a list of contents which scrolls, what only a reader of the screen hears, shapes in a box of their own.
  const bounded = ".contents ul, .unseen, .skip, thead, svg, .marks, #readout";
  const name = (element) => `${element.tagName.toLowerCase()}.${element.classList} "${element.textContent.trim().slice(0, 40)}"`;
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest(bounded)) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (box.left < -0.5 || box.right > wide + 0.5) found.push(`${name(element)} reaches from ${box.left} to ${box.right} of ${wide}`);
    const style = getComputedStyle(element);
    if (style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1) found.push(`${name(element)} is cut`);
  }
  return found;
}

/** Labels, words, flags and ticks of pictures which lie over one another, or out of their rows. */
export function labels() {
  const found = [];
  const boxes = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  };
  const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  const shown = (elements) => [...elements].filter((element) => element.getBoundingClientRect().width > 0);
  const apart = (elements, what) => {
    const all = elements.map((element) => [element, boxes(element)]);
    for (const [number, [a, as]] of all.entries()) {
      // Neighbours only: what stands further on stands lower or further right.
      for (const [b, bs] of all.slice(number + 1, number + 4)) {
        if (as.some((a) => bs.some((b) => meets(a, b)))) found.push(`${what}: "${a.textContent.slice(0, 50)}" lies over "${b.textContent.slice(0, 50)}"`);
      }
    }
  };
  const wide = document.documentElement.clientWidth;
  for (const figure of document.querySelectorAll("figure[data-from]")) {
    const frame = figure.getBoundingClientRect();
    const within = (elements, what) => {
      for (const element of elements) {
        const out = boxes(element).find((box) => box.left < Math.max(frame.left, 0) - 0.5 || box.right > Math.min(frame.right, wide) + 0.5);
        if (out) found.push(`${figure.id}: ${what} "${element.textContent.slice(0, 50)}" sticks out of its figure`);
      }
    };
    const labels = shown(figure.querySelectorAll(".row .name, .row .words, h5"));
    const ticks = shown(figure.querySelectorAll(".axis .plot > span"));
    const flags = shown(figure.querySelectorAll(".flags b:not([hidden])"));
    apart(labels, `${figure.id}: labels`);
    apart(ticks, `${figure.id}: ticks`);
    for (const [number, a] of flags.entries()) {
      const [one, ...rest] = [a, ...flags.slice(number + 1)].map((flag) => flag.getBoundingClientRect());
      if (rest.some((other) => meets(one, other))) found.push(`${figure.id}: flag ${a.textContent} lies over another`);
    }
    within([...labels, ...ticks, ...flags], "the text");
    if (ticks.length === 0) found.push(`${figure.id}: no time stands under it`);
    for (const row of figure.querySelectorAll(".row[data-json]")) {
      const box = row.querySelector(".label").getBoundingClientRect();
      const out = shown(row.querySelectorAll(".name, .words")).flatMap(boxes).some((text) => text.left < box.left - 1 || text.right > box.right + 1);
      if (out) found.push(`${figure.id}: the label "${row.querySelector(".name").textContent.slice(0, 50)}" leaves its column`);
      const plot = row.querySelector("svg").getBoundingClientRect();
      if (plot.width < 100 || plot.height < 8) found.push(`${figure.id}: a plot is ${plot.width} × ${plot.height}`);
    }
    // A plot, the flags above and the axis below share one left and one right edge, or nothing stands under what it means.
    const plots = shown(figure.querySelectorAll(".row .plot")).map((plot) => plot.getBoundingClientRect());
    const marks = figure.querySelector(".marks").getBoundingClientRect();
    if (plots.some((plot) => Math.abs(plot.left - marks.left) > 1 || Math.abs(plot.right - marks.right) > 1)) found.push(`${figure.id}: marks and plots do not share their edges`);
  }
  return found;
}

/** Serious and critical findings of axe; its source was put into the page before. */
export async function axe(rules) {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const result = await window.axe.run(document, { resultTypes: ["violations"], ...only });
  const grave = result.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return {
    rules: result.passes.length,
    found: grave.flatMap(({ id, impact, nodes }) => nodes.slice(0, 3).map((node) => `${impact} ${id}: ${node.target.join(" ")} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`)),
  };
}
