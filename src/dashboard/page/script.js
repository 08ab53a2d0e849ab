// Puts what has changed in its place. Everything is set as text or as an attribute; words are made by the server.
(() => {
  const stale = document.getElementById("stale");
  const began = Date.now();
  let heard = began;
  const put = ({ id, what, value }) => {
    const element = document.getElementById(id);
    if (!element) return;
    if (what === "text") {
      if (element.textContent !== value) element.textContent = value;
    } else if (what === "class" || what === "d") {
      element.setAttribute(what, value);
    }
  };
  // What is old must not look as if it was so now.
  const old = (is) => {
    stale.hidden = !is;
    document.body.classList.toggle("old", is);
  };
  const source = new EventSource("/events");
  source.addEventListener("update", (event) => {
    heard = Date.now();
    old(false);
    const { shape, spots } = JSON.parse(event.data);
    if (shape !== document.body.dataset.shape) {
      // Another shape: load it anew, but not more often than one can read.
      source.close();
      setTimeout(() => location.reload(), Math.max(0, 3000 - (Date.now() - began)));
      return;
    }
    spots.forEach(put);
  });
  setInterval(() => {
    const silent = Math.round((Date.now() - heard) / 1000);
    if (silent < 10) return;
    old(true);
    stale.textContent = `This page is ${silent} s old: Faultline does not answer, or has ended.`;
  }, 1000);
})();
