/* Symbols, hatches and the samples of the legend. */
"use strict";
(() => {
  const { make } = App;

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
  const hatches = {};
  function hatch(ground, ink) {
    const key = ground + ink;
    if (hatches[key]) return hatches[key];
    const tile = make("canvas"), pen = tile.getContext("2d");
    tile.width = tile.height = 8;
    pen.fillStyle = ground;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    for (const shift of [-8, 0, 8]) { pen.moveTo(shift - 1, 9); pen.lineTo(shift + 9, -1); }
    pen.stroke();
    return hatches[key] = pen.createPattern(tile, "repeat");
  }
  const paint = (look) => look.hatch ? { ...look, fillColor: hatch(look.fillColor, look.hatch) } : look;

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

  const renderer = new Canvas({ padding: .15, tolerance: L.Browser.mobile ? 8 : 3 });
  Object.assign(App, { paint, swatch, renderer });
})();
