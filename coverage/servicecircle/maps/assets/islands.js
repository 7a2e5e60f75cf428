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

  const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#:'.()*+-;,=>?@^_/[|]~";
  const places = new Uint8Array(128);
  for (let k = 0; k < LETTERS.length; k++) places[LETTERS.charCodeAt(k)] = k;

  /* Four bytes from five letters of base 85; what the last ones lack is filled up. */
  function bytesOf(text) {
    const count = Math.floor(text.length * 4 / 5), bytes = new Uint8Array(count + 4);
    for (let k = 0, to = 0; k < text.length; k += 5) {
      let value = 0;
      for (let j = k; j < k + 5; j++) value = value * 85 + (j < text.length ? places[text.charCodeAt(j)] : 84);
      for (let shift = 24; shift >= 0; shift -= 8) bytes[to++] = value >>> shift;
    }
    return bytes.subarray(0, count);
  }

  /* An island is gzip: ten bytes of head, deflated data, checksum, length. */
  function inflate(id) {
    const packed = bytesOf(at(id).textContent);
    const length = new DataView(packed.buffer, 0, packed.length).getUint32(packed.length - 4, true);
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

  /* A name of any length leaves room in a sentence for what follows. */
  const brief = (text) => text.length > 80 ? text.slice(0, 79) + "…" : text;

  const heard = {};
  const page = JSON.parse(new TextDecoder().decode(inflate("page")));
  return {
    at, make, fill, brief, inflate, unpack, page, map, words: page.words, layers: page.layers,
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
