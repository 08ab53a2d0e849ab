// Reads the pictures off a page or a file, in the browser: everything that the checks compare, as plain values.

/** Runs in the browser: every figure of the page. */
export function ofPage() {
  const pieces = (element) =>
    [...(element?.childNodes ?? [])].map((node) => ({ text: node.textContent, json: node.dataset?.json ?? null }));
  const texts = (figure, selector) => [...figure.querySelectorAll(selector)];
  const moment = (element) => ({
    text: element.textContent,
    kind: element.classList[0] ?? "",
    title: element.title,
    x: Number(element.dataset.x),
    width: Number(element.dataset.width ?? 0),
    left: Number.parseFloat(element.style.left),
    wide: Number.parseFloat(element.style.width || "0"),
  });
  return texts(document, "figure[data-from]").map((figure) => ({
    id: figure.id,
    from: Number(figure.dataset.from),
    until: Number(figure.dataset.until),
    caption: pieces(figure.querySelector("figcaption p")),
    more: figure.querySelector(":scope > .more")?.textContent ?? "",
    rows: texts(figure, ".row[data-json]").map((row) => ({
      json: row.dataset.json,
      counts: row.dataset.counts,
      steps: row.dataset.steps,
      label: row.querySelector(".name").textContent,
      words: pieces(row.querySelector(".words")),
      units: Number(row.querySelector("svg").getAttribute("viewBox").split(" ")[3]),
      layers: texts(row, "path:not(.threshold)").map((path) => ({ kind: path.getAttribute("class"), path: path.getAttribute("d") })),
      threshold: row.querySelector("path.threshold")?.getAttribute("d") ?? null,
    })),
    flags: texts(figure, ".flags b").map(moment),
    marks: texts(figure, ".marks i:not(.cursor)").map(moment),
    ticks: texts(figure, ".axis .plot > span").map(moment),
  }));
}

/** Runs in the browser, where an SVG file is open: the same of it, as far as a file has it, and what of its text is out of place. */
export function ofFile() {
  const root = document.documentElement;
  const size = root.viewBox.baseVal;
  const texts = [...root.querySelectorAll("text")].map((text) => ({ text: text.textContent, kind: text.getAttribute("class"), box: text.getBBox() }));
  const outside = texts.filter(({ box }) => box.x < 0 || box.y < 0 || box.x + box.width > size.width || box.y + box.height > size.height);
  const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  const over = texts.flatMap((a, number) => texts.slice(number + 1).filter((b) => meets(a.box, b.box)).map((b) => `${a.text} | ${b.text}`));
  const rows = [...root.querySelectorAll("svg[data-json]")].map((svg) => {
    const top = Number(svg.getAttribute("y"));
    const beside = texts.filter(({ box }) => box.x < Number(svg.getAttribute("x")) && box.y < top + 22 && box.y + box.height > top);
    return {
      json: svg.dataset.json,
      label: beside.find(({ kind }) => kind === "name")?.text ?? "",
      units: svg.viewBox.baseVal.height,
      layers: [...svg.querySelectorAll("path:not(.threshold)")].map((path) => ({ kind: path.getAttribute("class"), path: path.getAttribute("d") })),
      threshold: svg.querySelector("path.threshold")?.getAttribute("d") ?? null,
    };
  });
  const plot = root.querySelector("rect.bare");
  const spans = [...root.querySelectorAll("tspan[data-json]")];
  return {
    rows,
    words: spans.map((span) => ({ text: span.textContent, json: span.dataset.json })),
    bare: [...root.querySelectorAll("text.faint[text-anchor=end]")].flatMap((text) => [...text.childNodes]).filter((node) => node.nodeType === 3).map((node) => node.textContent),
    caption: texts.filter(({ kind, box }) => kind === "faint" && box.x < 40).map(({ text }) => text).join(" "),
    outside: outside.map(({ text }) => text),
    over,
    plot: { left: Number(plot?.getAttribute("x")), width: Number(plot?.getAttribute("width")) },
    marks: [...root.querySelectorAll("path.breaks, path.back")].map((path) => ({ kind: path.getAttribute("class"), x: Number(/^M(\d+)/.exec(path.getAttribute("d"))[1]) })),
    ticks: [...root.querySelectorAll("text[text-anchor=middle]")].map((text) => ({ text: text.textContent, x: Number(text.getAttribute("x")) })),
    foreign: root.querySelectorAll("script, image, foreignObject, use, a").length,
  };
}
