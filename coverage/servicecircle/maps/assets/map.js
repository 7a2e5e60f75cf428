/* Draws a page from its data islands. Whatever a user wrote is only ever set as textContent. */
"use strict";
document.getElementById("unsupported").hidden = true;
(async () => {
  const at = (id) => document.getElementById(id);
  const make = (tag, text = "", className = "") => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  /* ---- data islands ---- */

  async function inflate(id) {
    const packed = Uint8Array.from(atob(at(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
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

  /* ---- hatches and symbols ---- */

  const corners = (count, turn, inner = 1) => Array.from({ length: count }, (_, k) => {
    const angle = 2 * Math.PI * k / count + turn, radius = k % 2 ? inner : 1;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  });
  const plus = [[-.3, -1], [.3, -1], [.3, -.3], [1, -.3], [1, .3], [.3, .3], [.3, 1], [-.3, 1], [-.3, .3], [-1, .3], [-1, -.3], [-.3, -.3]];
  const SYMBOLS = {
    square: [[-.85, -.85], [.85, -.85], [.85, .85], [-.85, .85]],
    triangle: corners(3, 0), wedge: corners(3, Math.PI), diamond: corners(4, 0), pentagon: corners(5, 0),
    hexagon: corners(6, 0), star: corners(10, 0, .5), plus, cross: plus.map(([a, b]) => [(a - b) * .71, (a + b) * .71]),
  };
  const trace = (pen, symbol, x, y, radius) => {
    pen.beginPath();
    SYMBOLS[symbol].forEach(([dx, dy]) => pen.lineTo(x + dx * radius, y + dy * radius));
    pen.closePath();
  };
  const Canvas = L.Canvas.extend({
    _updateCircle(layer) {
      if (!(layer.options.shape in SYMBOLS)) return L.Canvas.prototype._updateCircle.call(this, layer);
      if (!this._drawing || layer._empty()) return;
      trace(this._ctx, layer.options.shape, layer._point.x, layer._point.y, layer._radius);
      this._fillStroke(this._ctx, layer);
    },
  });
  const hatch = (() => {
    const tile = make("canvas"), pen = tile.getContext("2d");
    tile.width = tile.height = 8;
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = "#6e7781";
    pen.lineWidth = 2;
    for (const shift of [-8, 0, 8]) { pen.moveTo(shift - 1, 9); pen.lineTo(shift + 9, -1); }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  })();
  const paint = (look) => look.fillColor === "hatch" ? { ...look, fillColor: hatch } : look;

  function swatch(shape, look) {
    const canvas = make("canvas"), pen = canvas.getContext("2d");
    [canvas.width, canvas.height] = [52, 32];
    pen.scale(2, 2);
    if (shape === "line") { pen.beginPath(); pen.moveTo(1, 8); pen.lineTo(25, 8); }
    else if (shape === "area") { pen.beginPath(); pen.rect(2, 2, 22, 12); }
    else if (look.shape in SYMBOLS) trace(pen, look.shape, 13, 8, 6.5);
    else { pen.beginPath(); pen.arc(13, 8, look.radius > 4 ? 6 : 3, 0, 7); }
    if (shape !== "line" && look.fill !== false && look.fillColor) {
      pen.globalAlpha = look.fillOpacity;
      pen.fillStyle = paint(look).fillColor;
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = look.color || "#3c4043";
    pen.lineWidth = look.weight;
    pen.setLineDash((look.dashArray || "").split(" ").filter(Boolean).map(Number));
    pen.stroke();
    return canvas;
  }

  /* ---- layers ---- */

  const page = JSON.parse(new TextDecoder().decode(await inflate("page")));
  const { words, layers } = page;
  const renderer = new Canvas({ padding: .15, tolerance: L.Browser.mobile ? 8 : 3 });

  const look = (layer, row) => {
    const theme = layer.themes[layer.theme];
    const style = { ...paint(theme.classes[theme.of[row]].look), renderer, smoothFactor: 0, interactive: !layer.inert };
    if (layer.marks) Object.assign(style, layer.marks.classes[layer.marks.of[row]].look);
    if (layer.radii) style.radius = layer.radii[row];
    return style;
  };

  function told(layer, row, withLink) {
    const box = make("div", "", "told");
    layer.columns.forEach(({ label, texts }) => {
      if (!label) box.append(make("strong", texts[row]));
      else if (texts[row] !== "—") box.append(make("span", label + words.colon + texts[row]));
    });
    if (withLink && layer.links && layer.links[row]) {
      const link = make("a", words.open_page);
      link.href = layer.links[row];
      box.append(link);
    }
    return box;
  }

  const tell = (layer, row, where) => L.popup({ minWidth: 220, maxWidth: 300 }).setLatLng(where).setContent(told(layer, row, true)).openOn(map);

  async function draw(layer) {
    let shapes = unpack(layer.head, layer.shape, await inflate("layer-" + layer.name));
    if (layer.shape === "line" && layer.inert) shapes = [shapes.flatMap((parts) => parts || [])]; // one stroke for all
    const kind = { area: L.polygon, line: L.polyline, point: L.circleMarker }[layer.shape];
    layer.group = L.featureGroup();
    shapes.forEach((shape, row) => {
      if (!shape) return;
      const feature = kind(shape, look(layer, row));
      feature.row = row;
      layer.group.addLayer(feature);
    });
    if (!layer.inert) {
      if (!L.Browser.mobile) layer.group.bindTooltip((feature) => told(layer, feature.row, false), { sticky: true });
      layer.group.on("click", (event) => {
        layer.group.closeTooltip();
        tell(layer, event.propagatedFrom.row, event.latlng);
      });
    }
    layer.labels = L.layerGroup((layer.names || []).flatMap((where, row) => where ? [L.tooltip({
      permanent: true, direction: "center", className: layer.name === "units" ? "name small" : "name",
    }).setLatLng(where).setContent(make("span", layer.columns[0].texts[row]))] : []));
  }

  /* Of names that would overlap only the first is written. */
  function thin() {
    const kept = [];
    document.querySelectorAll(".leaflet-tooltip.name").forEach((name) => {
      const box = name.getBoundingClientRect();
      const free = kept.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
      name.style.visibility = free ? "" : "hidden";
      if (free) kept.push(box);
    });
  }

  async function show(layer, shown) {
    layer.shown = shown;
    layer.box.checked = shown;
    layer.fieldset.classList.toggle("off", !shown);
    if (shown && !layer.group) await draw(layer);
    for (const part of layer.group ? [layer.group, layer.labels] : []) if (layer.shown) part.addTo(map); else part.remove();
    layers.forEach((other) => { if (other.shown && other.group) other.group.bringToFront(); });
    thin();
  }

  /* ---- legend and layer switch ---- */

  function legend(layer) {
    const theme = layer.themes[layer.theme];
    const classes = [theme, layer.marks].flatMap((part) => part && part.classes.length > 1 ? part.classes.map((item) => [part, item]) : []);
    if (layer.themes.length > 1) layer.list.dataset.theme = theme.label;
    layer.list.replaceChildren(...classes.map(([part, { label, look: drawn }]) => {
      const item = make("li");
      item.append(swatch(part === layer.marks ? "line" : layer.shape, drawn), make("span", label));
      return item;
    }));
  }

  function choice(type, name, checked, text, onChange) {
    const label = make("label"), input = make("input");
    Object.assign(input, { type, name, checked });
    input.addEventListener("change", () => onChange(input.checked));
    label.append(input, make("span", text));
    return [label, input];
  }

  function control(layer) {
    const fieldset = layer.fieldset = make("fieldset");
    const [label, input] = choice("checkbox", layer.name, layer.shown, layer.label, (shown) => show(layer, shown));
    label.className = "layer";
    layer.box = input;
    layer.theme = 0;
    layer.list = make("ul");
    const [only, second] = layer.themes[0].classes;
    if (layer.themes.length === 1 && !second && only) input.after(swatch(layer.shape, only.look));
    fieldset.append(label);
    if (layer.themes.length > 1) {
      const themes = make("div", "", "themes");
      themes.setAttribute("role", "radiogroup");
      themes.setAttribute("aria-label", words.colour_by);
      layer.themes.forEach((theme, number) => {
        const [option] = choice("radio", layer.name + "-theme", number === 0, theme.label, () => {
          layer.theme = number;
          if (layer.group) layer.group.eachLayer((feature) => feature.setStyle(look(layer, feature.row)));
          legend(layer);
        });
        themes.append(option);
      });
      fieldset.append(themes);
    }
    fieldset.append(layer.list);
    fieldset.classList.toggle("off", !layer.shown);
    legend(layer);
    return fieldset;
  }

  /* ---- tables ---- */

  const SHOWN_ROWS = 25;

  async function go(table, row, line) {
    document.querySelectorAll("tr.here").forEach((other) => other.classList.remove("here"));
    line.classList.add("here");
    const layer = layers.find(({ name }) => name === table.layer);
    if (layer && !layer.shown) await show(layer, true);
    at("map").scrollIntoView({ block: "nearest" });
    map.fitBounds(table.boxes[row], { maxZoom: 16, padding: [30, 30], animate: false });
    const feature = layer && layer.group.getLayers().find((one) => one.row === row);
    if (feature && !layer.inert) tell(layer, row, feature.getLatLng ? feature.getLatLng() : feature.getCenter());
    at("said").textContent = words.on_the_map + table.rows[row].slice(0, 3).join(" ");
  }

  function tableRow(table, row) {
    const line = make("tr"), leads = table.boxes[row];
    table.rows[row].forEach((text, column) => {
      const cell = make(column ? "td" : "th", "", table.columns[column].number ? "number" : "");
      if (!column) cell.scope = "row";
      const address = table.links[column] && table.links[column][row];
      const leading = leads && !column;
      if (address) cell.append(Object.assign(make("a", text), { href: address }));
      if (leading) {
        const button = Object.assign(make("button", address ? "◎" : text), { type: "button", title: words.show_on_map });
        if (address) button.setAttribute("aria-label", words.show_on_map);
        cell.append(button);
      }
      if (!address && !leading) cell.textContent = text;
      line.append(cell);
    });
    if (leads) {
      line.className = "goes";
      line.addEventListener("click", (event) => { if (!event.target.closest("a")) go(table, row, line); });
    }
    return line;
  }

  function tableSection(table) {
    const section = make("section", "", table.name), scroll = make("div", "", "scroll"), element = make("table"), head = make("tr"), body = make("tbody");
    const title = make("h2", table.caption);
    title.id = "table-" + table.name;
    element.setAttribute("aria-labelledby", title.id);
    table.columns.forEach(({ label, number }) => {
      const cell = make("th", label, number ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    });
    const thead = make("thead");
    thead.append(head);
    const fill = (from, to) => { for (let row = from; row < to; row++) body.append(tableRow(table, row)); };
    fill(0, Math.min(SHOWN_ROWS, table.rows.length));
    element.append(thead, body);
    scroll.append(element);
    section.append(title, scroll);
    if (table.rows.length > SHOWN_ROWS) {
      const more = make("button", table.more, "more");
      more.type = "button";
      more.addEventListener("click", () => { fill(SHOWN_ROWS, table.rows.length); more.remove(); });
      section.append(more);
    }
    return section;
  }

  /* ---- the page ---- */

  at("skip").textContent = words.skip;
  at("title").textContent = page.title;
  at("lead").replaceChildren(...page.lead.map((text) => make("span", text)));
  at("links").append(...page.links.map(([text, address]) => Object.assign(make("a", text), { href: address })));
  at("figures").append(...page.figures.map(([label, value, note]) => {
    const box = make("div");
    box.append(make("dt", label), make("dd", value, "value"), make("dd", note, "note"));
    return box;
  }));
  at("north").textContent = words.north;
  at("map").setAttribute("aria-label", words.map);
  at("panel-title").textContent = words.layers;
  at("notes-title").textContent = words.notes;
  at("notes").append(...page.notes.map((text) => make("li", text)));
  at("tables").append(...page.tables.filter(({ rows }) => rows.length).map(tableSection));
  if (matchMedia("(max-width: 800px)").matches) at("panel").open = false;

  const whole = () => map.fitBounds(page.box, { padding: [12, 12], animate: false });
  const home = L.Control.extend({
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
  new home({ position: "topleft" }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  L.control.attribution({ prefix: "Leaflet" }).addAttribution(page.credit).addTo(map);
  map.on("zoomend", thin);
  whole();

  at("layers").append(...layers.map(control).reverse());
  at("layers").prepend(...layers.filter(({ name }) => name === page.leading).map(({ fieldset }) => fieldset));
  for (const layer of layers) if (layer.shown) await show(layer, true);

  const redraw = () => { map.invalidateSize({ animate: false }); whole(); renderer._redraw(); };
  addEventListener("beforeprint", () => { document.body.classList.add("printing"); at("panel").open = true; redraw(); });
  addEventListener("afterprint", () => { document.body.classList.remove("printing"); redraw(); });
  document.body.dataset.ready = "true";
  window.__ready = true;
})().catch((error) => {
  document.getElementById("unsupported").hidden = false;
  console.error(error);
});
