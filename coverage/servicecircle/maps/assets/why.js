/* Why is this place not covered? A sentence, the way there, and what is missing. */
"use strict";
App.on("graph", () => {
  const { graph, make, words } = App, { plan, streets, facilities, people, walls, TOLERANCE } = graph;
  const fill = (text, facts = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => name in facts ? String(facts[name]) : whole);
  const say = (key, facts) => fill(plan.words[key], facts);
  const grouped = document.documentElement.lang === "en";
  const count = (value) => { const text = String(Math.round(value)); return grouped ? text.replace(/\B(?=(\d{3})+$)/g, ",") : text; };
  const metres = (mm) => count(mm / 1000);

  const section = make("section", "", "inquiry");
  section.setAttribute("aria-label", say("why_section"));
  document.querySelector(".stage").insertAdjacentElement("afterend", section);
  function panel(name, titleKey) {
    const box = make("section", "", name), title = make("h2", say(titleKey));
    title.id = "inquiry-" + name;
    box.setAttribute("aria-labelledby", title.id);
    box.append(title);
    section.append(box);
    return box;
  }
  /* Only what was asked is printed. */
  function mark(box, asked) {
    box.classList.toggle("asked", asked);
    section.classList.toggle("asked", section.querySelector("section.asked") !== null);
  }

  /* ---- where a point lies ---- */

  const units = App.layers.find(({ name }) => name === "units");
  function rings(latlngs, found = []) {
    if (latlngs.length && latlngs[0].lat !== undefined) found.push(latlngs);
    else latlngs.forEach((part) => rings(part, found));
    return found;
  }
  const holds = (ring, { lat, lng }) => ring.reduce((inside, a, k) => {
    const b = ring[k ? k - 1 : ring.length - 1];
    return (a.lat > lat) !== (b.lat > lat) && lng < (b.lng - a.lng) * (lat - a.lat) / (b.lat - a.lat) + a.lng ? !inside : inside;
  }, false);
  const shapes = units && units.group ? units.group.getLayers().filter((one) => one.getLatLngs).map((one) => [one.row, one.getBounds(), rings(one.getLatLngs())]) : [];
  function nearestHome(x, y) {
    let best = -1, least = Infinity;
    for (let p = 0; p < people.x.length; p++) {
      const away = Math.hypot(people.x[p] - x, people.y[p] - y);
      if (people.village[p] >= 0 && away < least) { best = p; least = away; }
    }
    return { village: best < 0 ? -1 : people.village[best], away: least };
  }
  /* The village whose area holds a point; of villages without areas the nearest one's people tell. */
  function villageAt(where, x, y) {
    const found = shapes.find(([, bounds, edges]) => bounds.contains(where) && edges.reduce((inside, ring) => inside !== holds(ring, where), false));
    if (found) return found[0];
    if (shapes.length) return -1;
    const home = nearestHome(x, y);
    return home.away <= 500e3 ? home.village : -1;
  }
  const near = (x, y) => nearestHome(x, y).away <= Math.max(...plan.limits);

  /* ---- the way ---- */

  /* Coordinates of a segment between two ways along it. */
  function stretch(segment, from, to) {
    const a = streets.first[segment], b = streets.first[segment + 1], line = [];
    const ends = [streets.u[segment], streets.v[segment]];
    if (a === b) ends.forEach((node) => line.push([streets.node.x[node], streets.node.y[node]]));
    for (let k = a; k < b; k++) line.push([streets.x[k], streets.y[k]]);
    const part = cut(line, Math.min(from, to) / streets.length[segment], Math.max(from, to) / streets.length[segment]);
    return from > to ? part.reverse() : part;
  }
  function cut(line, from, to) {
    const steps = line.slice(1).map(([x, y], k) => Math.hypot(x - line[k][0], y - line[k][1]));
    const whole = steps.reduce((sum, step) => sum + step, 0), at = (share) => {
      let left = share * whole;
      for (let k = 0; k < steps.length; k++) {
        if (left <= steps[k] || k === steps.length - 1) {
          const t = steps[k] > 0 ? Math.min(left / steps[k], 1) : 0;
          return { k, point: [line[k][0] + t * (line[k + 1][0] - line[k][0]), line[k][1] + t * (line[k + 1][1] - line[k][1])] };
        }
        left -= steps[k];
      }
      return { k: 0, point: line[0] };
    };
    const [a, b] = [at(from), at(to)];
    return [a.point, ...line.slice(a.k + 1, b.k + 1), b.point];
  }

  const fields = plan.circles.map(() => null);
  function fieldOf(circle) {
    if (!fields[circle]) {
      const ids = Array.from(facilities.counts, (_, f) => f).filter((f) => facilities.counts[f] & 1 << circle);
      const posts = ids.map((f) => graph.spotOf(facilities, f));
      fields[circle] = { circle, ids, ...graph.search(posts), near: graph.bySegment(posts) };
    }
    return fields[circle];
  }

  /* The shortest way from a place: its length, its facility and its legs {street, mm, line}. */
  function wayFrom(spot, field) {
    let best = { mm: Infinity };
    [0, 1].forEach((slot) => graph.waysFrom(spot.segment[slot], spot.offset[slot], spot.access[slot], field, field.near, (mm, node, a, b) => {
      if (mm < best.mm) best = { mm, node, a, b, slot };
    }));
    if (best.mm === Infinity) return null;
    const legs = [], segment = spot.segment[best.slot], offset = spot.offset[best.slot];
    const along = (s, from, to) => legs.push({ street: streets.name[s], mm: Math.abs(to - from), line: stretch(s, from, to) });
    let [number, other] = [best.a, best.b];
    if (best.node < 0) along(segment, offset, field.posts[number].offset[other]);
    else {
      along(segment, offset, best.a);
      let node = best.node;
      for (; field.next[node] >= 0; node = field.next[node]) {
        const s = field.by[node], ahead = streets.u[s] === node;
        along(s, ahead ? 0 : streets.length[s], ahead ? streets.length[s] : 0);
      }
      number = field.post[node];
      const last = lastLeg(node, field.posts[number], field.cost[node]);
      other = last.slot;
      along(last.segment, last.from, field.posts[number].offset[other]);
    }
    const post = field.posts[number], start = legs[0].line[0], end = legs[legs.length - 1].line.slice(-1)[0];
    legs.unshift({ street: "home", mm: spot.access[best.slot], line: [[spot.x, spot.y], start] });
    legs.push({ street: "post", mm: post.access[other], line: [end, [post.x, post.y]] });
    return { mm: Math.max(best.mm, Math.hypot(spot.x - post.x, spot.y - post.y)), facility: field.ids[number], legs };
  }
  function lastLeg(node, post, cost) {
    let best = { miss: Infinity };
    [0, 1].forEach((slot) => {
      if (post.access[slot] < 0) return;
      const segment = post.segment[slot], offset = post.offset[slot], left = streets.length[segment] - offset;
      [[streets.u[segment], 0, offset], [streets.v[segment], streets.length[segment], left]].forEach(([end, from, mm]) => {
        const miss = end === node ? Math.abs(post.access[slot] + mm - cost) : Infinity;
        if (miss < best.miss) best = { miss, slot, segment, from };
      });
    });
    return best;
  }

  function byStreet(legs) {
    const sums = new Map();
    legs.forEach(({ street, mm }) => { if (mm > 0) sums.set(street, (sums.get(street) || 0) + mm); });
    const named = { home: say("why_to_street"), post: say("why_to_facility"), 0: say("why_unnamed") };
    return Array.from(sums, ([street, mm]) => [named[street] || plan.names[street], mm]);
  }

  /* ---- barriers ---- */

  let crossings = null;
  /* Where streets cross rivers, railways and motorways: bridges, underpasses, level crossings. */
  function findCrossings() {
    const found = [];
    for (let w = 0; w < walls.x.length; w += 2) {
      const [ax, ay, bx, by] = [walls.x[w], walls.y[w], walls.x[w + 1], walls.y[w + 1]];
      const [west, east, south, north] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
      for (let s = 0; s < streets.length.length; s++) for (let k = streets.first[s]; k < streets.first[s + 1] - 1; k++) {
        const [px, py, qx, qy] = [streets.x[k], streets.y[k], streets.x[k + 1], streets.y[k + 1]];
        if (Math.max(px, qx) < west || Math.min(px, qx) > east || Math.max(py, qy) < south || Math.min(py, qy) > north) continue;
        const bottom = (bx - ax) * (qy - py) - (by - ay) * (qx - px);
        if (!bottom) continue;
        const t = ((px - ax) * (qy - py) - (py - ay) * (qx - px)) / bottom, r = ((px - ax) * (by - ay) - (py - ay) * (bx - ax)) / bottom;
        if (t >= 0 && t <= 1 && r >= 0 && r <= 1) found.push([ax + t * (bx - ax), ay + t * (by - ay)]);
      }
    }
    return found;
  }
  function nearestCrossing(x, y) {
    crossings = crossings || findCrossings();
    return crossings.reduce((best, [cx, cy]) => {
      const mm = Math.hypot(cx - x, cy - y);
      return !best || mm < best.mm ? { mm, x: cx, y: cy } : best;
    }, null);
  }
  const SIDES = ["east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast"];
  const side = (dx, dy) => say("side_" + SIDES[Math.round(Math.atan2(dy, dx) / Math.PI * 4 + 8) % 8]);

  /* ---- the answer ---- */

  function nearestStraight(x, y, ids) {
    return ids.reduce((best, f) => {
      const mm = Math.hypot(facilities.x[f] - x, facilities.y[f] - y);
      return mm < best.mm ? { mm, f } : best;
    }, { mm: Infinity, f: -1 });
  }
  const nameOf = (f) => App.brief(plan.stations[f][1] === "—" ? plan.stations[f][2] : plan.stations[f][1]);

  function explain(x, y, village) {
    const [, whole, circle, snap] = plan.villages[village], name = App.brief(whole);
    if (circle < 0) return { lines: [say("why_no_circle", { village: name })], legs: [] };
    const limit = plan.limits[circle], field = fieldOf(circle), spot = graph.place(x, y, snap);
    const way = wayFrom(spot, field), line = nearestStraight(x, y, field.ids);
    const rule = say("why_rule", { village: name, circle: plan.circles[circle][1], limit: metres(limit) });
    const lines = [];
    if (plan.straight) {
      if (line.f < 0) lines.push(say("why_none", { metres: count(plan.around_m) }));
      else lines.push(say(line.mm <= limit + TOLERANCE ? "why_straight_within" : "why_straight_over", overLimit(line.mm, limit, line.f)));
    } else if (way && way.mm <= limit + TOLERANCE) lines.push(say("why_within", overLimit(way.mm, limit, way.facility)));
    else lines.push(...missing(spot, way, line, limit, snap, field, x, y));
    return { lines, rule, way, legs: way ? way.legs : [], limit, circle, f: way ? way.facility : line.f };
  }

  /* What is beyond the limit never prints as the limit itself. */
  function overLimit(mm, limit, f) {
    const most = Math.round(limit / 1000), beyond = mm > limit + TOLERANCE;
    const shown = beyond ? Math.max(Math.round(mm / 1000), most + 1) : Math.min(Math.round(mm / 1000), most);
    return { facility: nameOf(f), metres: count(shown), over: count(shown - most), limit: count(most) };
  }

  function missing(spot, way, line, limit, snap, field, x, y) {
    if (line.f < 0) return [say("why_none", { metres: count(plan.around_m) })];
    const lines = [], inLine = line.mm <= limit + TOLERANCE, there = { facility: nameOf(line.f), straight: metres(line.mm) };
    if (way) lines.push(say("why_over", overLimit(way.mm, limit, way.facility)));
    if (!inLine) lines.push(say("why_far", { limit: metres(limit), ...there }));
    if (spot.blocked && spot.access[0] < 0 && spot.access[1] < 0) lines.push(say("why_blocked"));
    else if (spot.access[0] < 0 && spot.access[1] < 0) {
      lines.push(spot.away < Infinity ? say("why_off", { metres: metres(spot.away), limit: metres(snap) }) : say("why_no_street"));
    } else if (!way) lines.push(say(cutOff(spot, field) ? "why_island" : "why_no_way", { km: km(spot) }));
    if (way && inLine) {
      const straight = Math.hypot(facilities.x[way.facility] - x, facilities.y[way.facility] - y), ratio = way.mm / Math.max(line.mm, 1);
      if (way.facility !== line.f) lines.push(say("why_nearer", there));
      else if (ratio >= 1.3) lines.push(say("why_detour", { straight: metres(straight), ratio: (Math.round(ratio * 10) / 10).toFixed(1) }));
      if (way.mm > plan.doubt * line.mm) lines.push(say("why_doubtful", { ratio: plan.doubt }));
    } else if (inLine) lines.push(say("why_line_only", there));
    if (inLine && graph.crosses(x, y, facilities.x[line.f], facilities.y[line.f])) {
      lines.push(say("why_barrier", there));
      const bridge = nearestCrossing(x, y);
      if (bridge) lines.push(say("why_crossing", { side: side(bridge.x - x, bridge.y - y), metres: metres(bridge.mm) }));
    }
    return lines;
  }
  const pieceOf = (spot) => streets.piece[spot.segment[spot.access[0] >= 0 ? 0 : 1]];
  const cutOff = (spot, { circle, posts }) => !(graph.servedOutside[pieceOf(spot)] & 1 << circle)
    && !posts.some((post) => [0, 1].some((slot) => post.access[slot] >= 0 && streets.piece[post.segment[slot]] === pieceOf(spot)));
  const km = (spot) => (plan.piece_m[pieceOf(spot)] / 1000).toFixed(1);

  /* ---- on the page ---- */

  const pane = App.map.createPane("inquiry");
  pane.style.zIndex = 450;
  pane.style.pointerEvents = "none";
  const renderer = L.svg({ pane: "inquiry" }), drawn = L.layerGroup().addTo(App.map);
  const box = panel("why", "why_title");
  const about = make("p", say("why_about"), "about"), answer = make("div", "", "answer"), centre = make("button", say("why_centre"), "action");
  centre.type = "button";
  const clear = make("button", say("why_clear"), "action");
  clear.type = "button";
  clear.hidden = true;
  answer.setAttribute("role", "status");
  answer.setAttribute("aria-live", "polite");
  const tools = make("div", "", "tools");
  tools.append(centre, clear);
  box.append(about, tools, answer);

  const stroke = (points, style) => L.polyline(points.map(([x, y]) => graph.toLatLng(x, y)), { renderer, pane: "inquiry", interactive: false, smoothFactor: 0, lineCap: "round", ...style }).addTo(drawn);
  const dot = (x, y, style) => L.circleMarker(graph.toLatLng(x, y), { renderer, pane: "inquiry", interactive: false, radius: 6, weight: 3, fillOpacity: 1, ...style }).addTo(drawn);

  /* The way, white-rimmed: inside the limit, and dashed beyond it. */
  function draw(x, y, { legs, limit, f }) {
    drawn.clearLayers();
    const parts = [[], []];
    let walked = 0, passed = null;
    legs.forEach(({ mm, line }) => {
      const left = limit - walked;
      if (mm <= left || mm === 0) parts[walked > limit ? 1 : 0].push(line);
      else if (left <= 0) parts[1].push(line);
      else {
        const [a, b] = [cut(line, 0, left / mm), cut(line, left / mm, 1)];
        passed = passed || b[0];
        parts[0].push(a);
        parts[1].push(b);
      }
      walked += mm;
    });
    if (!legs.length && f >= 0) stroke([[x, y], [facilities.x[f], facilities.y[f]]], { color: "#5f6368", weight: 2, dashArray: "2 6" });
    parts.forEach((lines) => lines.forEach((line) => stroke(line, { color: "#fff", weight: 9 })));
    parts[0].forEach((line) => stroke(line, { color: "#1f3a78", weight: 5 }));
    parts[1].forEach((line) => stroke(line, { color: "#b3001b", weight: 5, dashArray: "1 9" }));
    dot(x, y, { color: "#111", fillColor: "#ffd33d" });
    if (f >= 0) dot(facilities.x[f], facilities.y[f], { color: "#1f3a78", fill: false, radius: 11 });
    if (passed) {
      dot(passed[0], passed[1], { color: "#b3001b", fillColor: "#fff" });
      L.tooltip({ permanent: true, direction: "top", offset: [0, -8], className: "limit", pane: "tooltipPane" })
        .setLatLng(graph.toLatLng(passed[0], passed[1])).setContent(make("span", say("why_limit_here", { limit: metres(limit) }))).addTo(drawn);
    }
  }

  function streetTable(way) {
    const table = make("table"), body = make("tbody"), wrap = make("div", "", "scroll");
    table.append(make("caption", say("why_way", { facility: nameOf(way.facility) })));
    const row = (name, mm, tag) => {
      const line = make("tr");
      line.append(Object.assign(make("th", name), { scope: "row" }), make("td", say("why_metres", { metres: metres(mm) }), "number"));
      tag.append(line);
    };
    byStreet(way.legs).forEach(([name, mm]) => row(name, mm, body));
    const foot = make("tfoot");
    row(say("why_total"), way.mm, foot);
    table.append(body, foot);
    wrap.append(table);
    return wrap;
  }

  const empty = (element) => { while (element.firstChild) element.firstChild.remove(); };
  function ask(where) {
    const [x, y] = graph.toMm(where), village = villageAt(where, x, y);
    empty(answer);
    drawn.clearLayers();
    clear.hidden = false;
    mark(box, true);
    const told = village < 0 ? { lines: [say("why_outside")], legs: [], f: -1 } : explain(x, y, village);
    if (village < 0) dot(x, y, { color: "#111", fillColor: "#ffd33d" });
    else draw(x, y, told);
    see(told.legs.length ? told.legs : [{ line: [[x, y], told.f >= 0 ? [facilities.x[told.f], facilities.y[told.f]] : [x, y]] }]);
    answer.append(make("p", told.lines.join(say("why_space")), "sentence"));
    if (told.rule) answer.append(make("p", told.rule, "rule"));
    if (told.way) answer.append(streetTable(told.way));
    beside(where, told.lines[0]);
    return told;
  }
  /* The map shows the whole way, without moving where it does already. */
  function see(legs) {
    const ways = L.latLngBounds(legs.map(({ line }) => line.map(([x, y]) => graph.toLatLng(x, y))));
    if (!App.map.getBounds().contains(ways)) App.map.fitBounds(ways, { padding: [40, 40], maxZoom: 16, animate: false });
  }
  /* A popup that the click opened says it too. */
  function beside(where, text) {
    const open = App.map._popup;
    if (!open || !open.isOpen() || !open.getLatLng().equals(where) || !(open.getContent() instanceof Element)) return;
    open.getContent().append(make("span", text, "because"));
    open.update();
  }

  App.why = { ask, explain, drawn };
  App.map.on("click", (event) => { if (!App.inquiry.armed) ask(event.latlng); });
  centre.addEventListener("click", () => ask(App.map.getCenter()));
  clear.addEventListener("click", () => { drawn.clearLayers(); empty(answer); clear.hidden = true; mark(box, false); centre.focus(); });
  const crosshair = (button) => ["focus", "blur"].forEach((event) => button.addEventListener(event, () => {
    App.map.getContainer().classList.toggle("centred", event === "focus");
  }));
  crosshair(centre);
  App.inquiry = { say, count, grouped, panel, mark, villageAt, near, crosshair, armed: false };
  App.on("row", (table, row, where) => { if (table.name === "gaps" && where) ask(where); });
});
