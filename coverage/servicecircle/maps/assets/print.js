/* Prints the page: map, legend and what it rests on fill the first sheet, the tables follow. */
"use strict";
(() => {
  const { at, make, map, page, words } = App;
  const SMALLEST_PX = 5, PRINTED_GAPS = 30;
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

  /* Of many uncovered areas paper shows those of most people, which come first, each with its number. */
  const gaps = App.layer("gaps"), numbers = L.layerGroup(), told = make("p", words.printed_gaps.replace("#", PRINTED_GAPS));
  function number(onPaper) {
    if (!gaps || !gaps.group) return;
    const table = page.tables.find(({ layer }) => layer === "gaps");
    gaps.features.forEach((feature, row) => {
      if (!feature) return;
      if (row >= PRINTED_GAPS) gaps.group[onPaper ? "removeLayer" : "addLayer"](feature);
      else if (onPaper && gaps.shown && table) {
        const text = (/\d+/.exec(table.rows[row][0]) || [""])[0];
        const label = L.tooltip({ permanent: true, direction: "right", className: "rank" });
        label.beside = Math.max(0, feature.getRadius() - 4); // a tooltip keeps clear of a small symbol by itself
        numbers.addLayer(label.setLatLng(feature.getLatLng()).setContent(make("span", text)));
      }
    });
    if (onPaper) numbers.addTo(map);
    else numbers.clearLayers().remove();
    if (onPaper && gaps.features.length > PRINTED_GAPS) gaps.fieldset.append(told);
    else if (told.parentNode) told.remove();
  }

  /* Each number beside its symbol, where it is free; where nothing is, to the right. */
  const apart = (one, other) => one.right < other.left || one.left > other.right || one.bottom < other.top || one.top > other.bottom;
  function place() {
    const boxOf = (element) => element.getBoundingClientRect();
    const taken = Array.prototype.filter.call(document.querySelectorAll(".leaflet-tooltip.name"), (name) => name.style.visibility !== "hidden").map(boxOf);
    numbers.eachLayer((label) => {
      const r = label.beside, aside = { right: [r, 0], left: [-r, 0], top: [0, -r], bottom: [0, r] };
      const turn = (direction) => {
        label.options.direction = direction;
        label.options.offset = L.point(aside[direction]);
        label.update();
        return taken.every((other) => apart(boxOf(label.getElement()), other));
      };
      if (!["right", "left", "top", "bottom"].some(turn)) turn("right");
      taken.push(boxOf(label.getElement()));
    });
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
    number(true);
    fit(at("panel"));
    redraw();
    place();
  }

  function after() {
    if (!document.body.classList.contains("printing")) return;
    document.body.classList.remove("printing");
    number(false);
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
