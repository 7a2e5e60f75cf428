/* Online base maps, where the study names any: off at first, and taken away when their tiles do not come. */
"use strict";
(() => {
  const { at, make, map, page, words } = App;
  const MOST_ERRORS = 4;

  /* From WGS-84 to GCJ-02, the datum of Gaode's tiles in China; elsewhere nothing is shifted. */
  function shifted({ lat, lng }) {
    if (lng < 72.004 || lng > 137.8347 || lat < .8293 || lat > 55.8271) return L.latLng(lat, lng);
    const x = lng - 105, y = lat - 35, turn = Math.PI, axis = 6378245, flat = .00669342162296594323;
    const waves = (...parts) => parts.reduce((sum, [height, angle]) => sum + height * Math.sin(angle * turn), 0) * 2 / 3;
    const common = waves([20, 6 * x], [20, 2 * x]);
    const north = -100 + 2 * x + 3 * y + .2 * y * y + .1 * x * y + .2 * Math.sqrt(Math.abs(x)) + common
      + waves([20, y], [40, y / 3], [160, y / 12], [320, y / 30]);
    const east = 300 + x + 2 * y + .1 * x * x + .1 * x * y + .1 * Math.sqrt(Math.abs(x)) + common
      + waves([20, x], [40, x / 3], [150, x / 12], [300, x / 30]);
    const angle = lat / 180 * turn, root = Math.sqrt(1 - flat * Math.sin(angle) ** 2);
    return L.latLng(lat + north * 180 / (axis * (1 - flat) / root ** 3 * turn), lng + east * 180 / (axis / root * Math.cos(angle) * turn));
  }
  const Shifted = L.TileLayer.extend({
    onAdd(on) {
      L.TileLayer.prototype.onAdd.call(this, on);
      on.on("moveend", this._settle, this);
    },
    onRemove(on) {
      on.off("moveend", this._settle, this);
      L.TileLayer.prototype.onRemove.call(this, on);
    },
    /* The shift differs from place to place: set anew wherever the map comes to rest. */
    _settle() { this._setZoomTransforms(this._map.getCenter(), this._map.getZoom()); },
    _getTiledPixelBounds(center) { return L.TileLayer.prototype._getTiledPixelBounds.call(this, shifted(center)); },
    _setZoomTransform(level, center, zoom) { L.TileLayer.prototype._setZoomTransform.call(this, level, shifted(center), zoom); },
  });

  let shown = [];
  const none = () => { shown.forEach((layer) => layer.remove()); shown = []; };

  function put(base, note, first) {
    let errors = 0;
    none();
    note.textContent = "";
    shown = base.tiles.map((address) => {
      const kind = base.datum === "gcj02" ? Shifted : L.TileLayer;
      const layer = new kind(address, { subdomains: base.subdomains, maxNativeZoom: 18, maxZoom: 19, attribution: base.credit });
      layer.on("tileerror", () => {
        errors += 1;
        if (errors !== MOST_ERRORS) return;
        none();
        first.checked = true;
        note.textContent = words.no_tiles.replace("#", base.label);
        App.say(note.textContent);
      });
      return layer.addTo(map);
    });
  }

  if (page.base_maps.length) {
    const fieldset = make("fieldset"), note = make("p", "", "note"), title = make("legend", words.base_map);
    const options = page.base_maps.map((base) => [base.label, () => put(base, note, fieldset.querySelector("input"))]);
    fieldset.append(title, App.choices("base-map", words.base_map, [[words.no_base_map, none], ...options]), note);
    at("layers").append(fieldset);
  }
  Object.assign(App, { shifted });
})();
