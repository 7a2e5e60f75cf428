/* Layers: drawn from their islands when first shown, and told about on a touch. */
"use strict";
(() => {
  const { at, make, map, words, layers, renderer } = App;

  /* On a phone's map the same places lie closer together. */
  const scale = Math.max(.55, Math.min(1, map.getSize().x / 900));

  const look = (layer, row) => {
    const theme = layer.themes[layer.theme];
    const style = { ...App.paint(theme.classes[theme.of[row]].look), renderer, smoothFactor: 0, interactive: !layer.inert };
    if (layer.marks) Object.assign(style, layer.marks.classes[layer.marks.of[row]].look);
    if (layer.radii) style.radius = layer.radii[row];
    if (style.radius) {
      style.radius *= scale;
      style.weight *= scale; // else the white rim of a small symbol hides it
    }
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

  const tell = (layer, row, where) => L.popup({ minWidth: 220, maxWidth: 300, autoPanPaddingBottomRight: [44, 5] }).setLatLng(where).setContent(told(layer, row, true)).openOn(map);

  function draw(layer) {
    let shapes = App.unpack(layer.head, layer.shape, App.inflate(layer.island));
    if (layer.shape === "line" && layer.inert) shapes = [[].concat(...shapes.map((parts) => parts || []))]; // one stroke for all
    const kind = { area: L.polygon, line: L.polyline, point: L.circleMarker }[layer.shape];
    layer.group = L.featureGroup();
    layer.features = shapes.map((shape, row) => {
      if (!shape) return undefined;
      const feature = kind(shape, look(layer, row));
      feature.row = row;
      layer.group.addLayer(feature);
      return feature;
    });
    if (!layer.inert) {
      if (!L.Browser.mobile) layer.group.bindTooltip((feature) => told(layer, feature.row, false), { sticky: true });
      layer.group.on("click", (event) => {
        layer.group.closeTooltip();
        tell(layer, event.propagatedFrom.row, event.latlng);
      });
    }
    layer.labels = L.layerGroup();
    (layer.names || []).forEach((where, row) => {
      if (!where) return;
      const className = layer.name === "units" ? "name small" : "name";
      const name = L.tooltip({ permanent: true, direction: "center", className });
      layer.labels.addLayer(name.setLatLng(where).setContent(make("span", layer.columns[0].texts[row])));
    });
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

  function show(layer, shown) {
    layer.shown = shown;
    layer.box.checked = shown;
    layer.fieldset.classList.toggle("off", !shown);
    if (shown && !layer.group) draw(layer);
    for (const part of layer.group ? [layer.group, layer.labels] : []) if (shown) part.addTo(map); else part.remove();
    layers.forEach((other) => { if (other.shown && other.group) other.group.bringToFront(); });
    thin();
    App.emit("shown", layer);
  }

  function restyle(layer) {
    if (layer.group) layer.group.eachLayer((feature) => feature.setStyle(look(layer, feature.row)));
  }

  /* Leads to a feature: its layer shown, the map at it, its facts open. */
  function go(layer, row, box) {
    if (layer && !layer.shown) show(layer, true);
    const feature = layer && layer.features[row];
    const bounds = box || (feature.getBounds ? feature.getBounds() : feature.getLatLng().toBounds(300));
    at("map").scrollIntoView({ block: "nearest" });
    map.fitBounds(bounds, { maxZoom: 16, padding: [30, 30], animate: false });
    const where = feature && (feature.getLatLng ? feature.getLatLng() : feature.getCenter());
    if (feature) tell(layer, row, where);
    return where;
  }

  map.on("zoomend", thin);
  Object.assign(App, { look, show, restyle, tell, go });
})();
