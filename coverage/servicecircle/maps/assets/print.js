/* Prints the page: map, legend and what it rests on fill the first sheet, the tables follow. */
"use strict";
(() => {
  const { at, make, map, page, words } = App;
  const SMALLEST_PX = 5;
  let shown;

  page.imprint.forEach((text) => at("imprint").append(make("span", text)));
  const printed = at("imprint").appendChild(make("span"));

  function today() {
    const now = new Date(), two = (number) => ("0" + number).slice(-2);
    return [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  }

  /* A legend of many classes is set in smaller letters. */
  function fit(panel) {
    panel.style.fontSize = "";
    let size = parseFloat(getComputedStyle(panel).fontSize);
    while (panel.scrollHeight > panel.clientHeight && size > SMALLEST_PX) panel.style.fontSize = (size -= .5) + "px";
  }

  function redraw() {
    map.invalidateSize({ animate: false });
    map.fitBounds(page.box, { padding: [12, 12], animate: false });
    App.renderer._redraw();
  }

  function before() {
    if (document.body.classList.contains("printing")) return;
    shown = { center: map.getCenter(), zoom: map.getZoom(), open: at("panel").open };
    const asked = document.querySelector(".inquiry");
    if (asked) asked.classList.toggle("asked", Boolean(asked.querySelector(".answer > *, .outcome > *")));
    printed.textContent = words.printed + today();
    App.emit("paper", true);
    document.body.classList.add("printing");
    at("panel").open = true;
    fit(at("panel"));
    redraw();
  }

  function after() {
    if (!document.body.classList.contains("printing")) return;
    document.body.classList.remove("printing");
    App.emit("paper", false);
    at("panel").style.fontSize = "";
    at("panel").open = shown.open;
    map.invalidateSize({ animate: false });
    map.setView(shown.center, shown.zoom, { animate: false });
    App.renderer._redraw();
  }

  const rule = document.head.appendChild(make("style")), box = make("div", "", "paper");
  box.append(...["A4", "A3"].map((size) => {
    const button = make("button", words.print + " " + size);
    button.type = "button";
    button.addEventListener("click", () => {
      document.body.classList.toggle("a3", size === "A3");
      rule.textContent = "@page { size: " + size + " landscape; margin: 10mm; }";
      print();
    });
    return button;
  }));
  at("figures").parentNode.insertBefore(box, at("figures"));

  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  matchMedia("print").addListener((media) => (media.matches ? before : after)());
})();
