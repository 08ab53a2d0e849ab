// Reading the report needs none of this: it adds zoom and numbers under the pointer.
"use strict";
(() => {
  const WIDTH = 1000;
  const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000];
  const readout = document.getElementById("readout");
  const iso = (micros) => new Date(micros / 1000).toISOString();

  // Microseconds since 1970 fit into a double: 2^53 of them are 285 years.
  class Zoom {
    constructor(figure) {
      this.figure = figure;
      this.from = Number(figure.dataset.from);
      this.until = Number(figure.dataset.until);
      this.left = 0;
      this.width = WIDTH;
      this.rows = [...figure.querySelectorAll(".row[data-steps]")];
      this.ticks = figure.querySelector(".axis .plot");
      this.whole = this.ticks.innerHTML;
      this.cursor = document.createElement("i");
      this.cursor.className = "cursor";
      this.cursor.hidden = true;
      figure.querySelector(".marks").append(this.cursor);
      this.buttons();
      for (const row of this.rows) this.listen(row);
    }

    buttons() {
      const box = document.createElement("div");
      box.className = "zoom";
      const button = (text, label, act) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = text;
        made.setAttribute("aria-label", label + ": " + this.figure.querySelector("h4").textContent);
        made.title = label;
        made.addEventListener("click", act);
        box.append(made);
      };
      button("+", "zoom in", () => this.show(this.left + this.width / 4, this.width / 2));
      button("−", "zoom out", () => this.show(this.left - this.width / 2, this.width * 2));
      button("←", "earlier", () => this.show(this.left - this.width / 4, this.width));
      button("→", "later", () => this.show(this.left + this.width / 4, this.width));
      button("whole", "whole time", () => this.show(0, WIDTH));
      this.figure.querySelector("figcaption").append(box);
    }

    listen(row) {
      const plot = row.querySelector("svg");
      let start = null;
      const place = (event) => {
        const box = plot.getBoundingClientRect();
        return this.left + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.width;
      };
      plot.addEventListener("pointermove", (event) => this.tell(row, place(event), event));
      plot.addEventListener("pointerleave", () => { readout.hidden = true; this.cursor.hidden = true; });
      plot.addEventListener("pointerdown", (event) => { start = place(event); });
      plot.addEventListener("pointerup", (event) => {
        const end = place(event);
        if (start !== null && Math.abs(end - start) > this.width / 50) this.show(Math.min(start, end), Math.abs(end - start));
        start = null;
      });
      plot.addEventListener("dblclick", () => this.show(0, WIDTH));
    }

    time(x) { return this.from + (x / WIDTH) * (this.until - this.from); }

    show(left, width) {
      this.width = Math.min(WIDTH, Math.max(WIDTH / 5000, width));
      this.left = Math.min(WIDTH - this.width, Math.max(0, left));
      for (const row of this.rows) {
        const plot = row.querySelector("svg");
        const box = plot.getAttribute("viewBox").split(" ");
        plot.setAttribute("viewBox", `${this.left} 0 ${this.width} ${box[3]}`);
      }
      if (this.width === WIDTH) this.ticks.innerHTML = this.whole; else this.tick();
      for (const mark of this.figure.querySelectorAll("[data-x]")) {
        const x = (Number(mark.dataset.x) - this.left) / this.width * 100;
        mark.style.left = x + "%";
        if (mark.dataset.width) mark.style.width = Number(mark.dataset.width) / this.width * 100 + "%";
        else mark.hidden = x < 0 || x > 100;
      }
    }

    tick() {
      const seconds = (this.time(this.left + this.width) - this.time(this.left)) / 1e6;
      const step = STEPS.find((step) => seconds / step <= 8) ?? STEPS.at(-1);
      this.ticks.textContent = "";
      for (let at = Math.ceil(this.time(this.left) / 1e6 / step) * step; at * 1e6 <= this.time(this.left + this.width); at += step) {
        const tick = document.createElement("span");
        const text = iso(at * 1e6);
        tick.textContent = step >= 86400 ? text.slice(0, 10) : step >= 60 ? text.slice(11, 16) : step >= 1 ? text.slice(11, 19) : text.slice(11, 23);
        tick.style.left = ((at * 1e6 - this.from) / (this.until - this.from) * WIDTH - this.left) / this.width * 100 + "%";
        this.ticks.append(tick);
      }
    }

    tell(row, x, event) {
      const at = this.time(x);
      const lines = [iso(at).slice(0, 19).replace("T", " ") + " UTC"];
      if (row.classList.contains("many")) {
        const names = row.dataset.steps.split("\n");
        const box = row.querySelector("svg").getBoundingClientRect();
        const place = Math.floor((event.clientY - box.top) / box.height * (names.length - 1));
        lines.push(names[Math.min(names.length - 2, Math.max(0, place))]);
      } else {
        lines.unshift(row.querySelector(".name").textContent);
        const step = row.dataset.steps.split(";").filter(Boolean).map((step) => step.split(":")).filter(([offset]) => Number(offset) + this.from <= at).at(-1);
        const names = row.dataset.counts.split(",");
        if (step) step[1].split(",").forEach((count, place) => { if (count !== "0") lines.push(`${names[place]}: ${count}`); });
        else lines.push("nothing known yet");
      }
      readout.textContent = lines.join("\n");
      readout.hidden = false;
      const [wide, high] = [readout.offsetWidth, readout.offsetHeight];
      readout.style.left = Math.max(4, Math.min(window.innerWidth - wide - 4, event.clientX + 14)) + "px";
      readout.style.top = (event.clientY + high + 24 > window.innerHeight ? event.clientY - high - 12 : event.clientY + 16) + "px";
      this.cursor.hidden = false;
      this.cursor.style.left = (x - this.left) / this.width * 100 + "%";
    }
  }

  for (const figure of document.querySelectorAll("figure[data-from]")) new Zoom(figure);
  // Paper cannot be opened: what is folded is printed open, and closed again after.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open]):not(.bulk)")];
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
})();
