/* Writes the page around the map, and begins. */
"use strict";
(() => {
  const { at, make, map, page, words } = App;

  at("skip").textContent = words.skip;
  at("title").textContent = page.title;
  App.fill(at("lead"), ...page.lead.map((text) => make("span", text)));
  at("links").append(...page.links.map(([text, address]) => Object.assign(make("a", text), { href: address })));
  at("links").setAttribute("aria-label", words.pages);
  at("figures").append(...page.figures.map(([label, value, note]) => {
    const box = make("div");
    box.append(make("dt", label), make("dd", value, "value"), make("dd", note, "note"));
    return box;
  }));
  at("north").textContent = words.north;
  at("map").setAttribute("aria-label", words.map);
  at("notes-title").textContent = words.notes;
  at("notes").append(...page.notes.map((text) => make("li", text)));

  const whole = () => map.fitBounds(page.box, { padding: [12, 12], animate: false });
  const Home = L.Control.extend({
    onAdd() {
      const bar = make("div", "", "leaflet-bar"), button = make("a", "⌂");
      Object.assign(button, { href: "#map", title: words.whole_area });
      button.setAttribute("role", "button");
      button.setAttribute("aria-label", words.whole_area);
      L.DomEvent.disableClickPropagation(bar).on(button, "click", (event) => { L.DomEvent.preventDefault(event); whole(); });
      bar.append(button);
      return bar;
    },
  });
  L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  new Home({ position: "topleft" }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  L.control.attribution({ prefix: "Leaflet" }).addAttribution(make("span", page.credit).innerHTML).addTo(map); // it takes markup
  map.invalidateSize({ animate: false }); // it was made while the page was hidden
  whole();
  for (const layer of App.layers) if (layer.shown) App.show(layer, true);

  App.ready();
})();
