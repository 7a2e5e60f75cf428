/* What every script shares, and the page's data. Whatever a user wrote is only ever set as textContent. */
"use strict";
const App = (() => {
  const at = (id) => document.getElementById(id);
  at("plain").hidden = true;
  at("app").hidden = false;
  const plainly = () => { at("plain").hidden = false; at("app").hidden = true; };
  addEventListener("error", plainly);

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const fill = (element, ...parts) => {
    element.textContent = "";
    element.append(...parts);
  };

  /* An island is gzip in base64: ten bytes of head, deflated data, checksum, length. */
  function inflate(id) {
    const packed = Uint8Array.from(atob(at(id).textContent), (letter) => letter.charCodeAt(0));
    const length = new DataView(packed.buffer).getUint32(packed.length - 4, true);
    return tinyInflate(packed.subarray(10, packed.length - 8), new Uint8Array(length));
  }

  /* Parts per feature, rings per part, points per ring; then zigzag differences of x and y. */
  function unpack({ features, parts, rings, grid }, shape, bytes) {
    let place = 0, x = 0, y = 0, part = 0, ring = 0;
    const number = () => {
      let value = 0, scale = 1, byte;
      do { byte = bytes[place++]; value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
      return value;
    };
    const move = () => { const value = number(); return value % 2 ? -(value + 1) / 2 : value / 2; };
    const [ofFeature, ofPart, ofRing] = [features, parts, rings].map((count) => Array.from({ length: count }, number));
    const points = (count) => Array.from({ length: count }, () => { x += move(); y += move(); return [y * grid, x * grid]; });
    const area = () => Array.from({ length: ofPart[part++] }, () => points(ofRing[ring++]));
    const read = shape === "area" ? area : () => area()[0];
    return ofFeature.map((count) => {
      const shapes = Array.from({ length: count }, read);
      return shape === "point" ? shapes[0] && shapes[0][0] : shapes.length ? shapes : undefined;
    });
  }

  const heard = {};
  const page = JSON.parse(new TextDecoder().decode(inflate("page")));
  return {
    at, make, fill, inflate, unpack, page, map, words: page.words, layers: page.layers,
    layer: (name) => page.layers.find((layer) => layer.name === name),
    /* Events: "ready" when all is drawn; "shown" with a layer that came or went; "row" with table, row and place. */
    on(event, hear) { (heard[event] = heard[event] || []).push(hear); },
    async emit(event, ...told) { for (const hear of heard[event] || []) await hear(...told); },
    /* Tells a screen reader. */
    say(text) { at("said").textContent = text; },
    async ready() {
      removeEventListener("error", plainly);
      await App.emit("ready");
      document.body.dataset.ready = "true";
      window.__ready = true;
    },
  };
})();
