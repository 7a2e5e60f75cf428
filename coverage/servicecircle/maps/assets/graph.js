/* The page's piece of the streets: whole millimetres in the study CRS, searched as the run searches them. */
"use strict";
App.on("ready", async () => {
  const { plan } = App.page;
  if (!plan) return;
  const bytes = await App.inflate("graph"), TOLERANCE = 1e-3;

  /* ---- reading ---- */

  let at = 0;
  const number = () => {
    let value = 0, scale = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
    return value;
  };
  const signed = () => { const value = number(); return value % 2 ? -(value + 1) / 2 : value / 2; };
  const numbers = (count, read = number) => {
    const values = new Float64Array(count);
    for (let k = 0; k < count; k++) values[k] = read();
    return values;
  };
  const ints = (count, read = number) => Int32Array.from(numbers(count, read));
  const sums = (steps) => { for (let k = 1; k < steps.length; k++) steps[k] += steps[k - 1]; return steps; };
  const points = (count) => { const x = sums(numbers(count, signed)); return { x, y: sums(numbers(count, signed)) }; };

  /* Up to two places each, found on their segments; an access of -1 is no place. */
  function readSpots(count) {
    const { x, y } = points(count), bits = ints(count), segment = [sums(ints(count, signed)), new Int32Array(count)];
    const offset = [new Float64Array(count), new Float64Array(count)], access = [new Float64Array(count), new Float64Array(count)];
    const fill = (values, bit) => { for (let k = 0; k < count; k++) if (bits[k] & bit) values[k] = number(); };
    fill(segment[1], 2);
    [0, 1].forEach((slot) => {
      fill(offset[slot], 4 << slot);
      fill(access[slot], 4 << slot);
      for (let k = 0; k < count; k++) {
        if (!(bits[k] & 1 << slot)) access[slot][k] = -1;
        else if (!(bits[k] & 4 << slot)) {
          const found = footOn(segment[slot][k], x[k], y[k]);
          offset[slot][k] = found.offset;
          access[slot][k] = Math.floor(found.distance + .5);
        }
      }
    });
    return { x, y, segment, offset, access };
  }

  /* The nearest point of a segment. */
  function footOn(segment, px, py) {
    const { x, y, first, length } = streets, last = first[segment + 1] - 1;
    let distance = Infinity, fx = 0, fy = 0, along = 0, whole = 0;
    for (let i = first[segment]; i < last; i++) {
      const dx = x[i + 1] - x[i], dy = y[i + 1] - y[i], squared = dx * dx + dy * dy, step = Math.sqrt(squared);
      const t = squared > 0 ? Math.min(Math.max(((px - x[i]) * dx + (py - y[i]) * dy) / squared, 0), 1) : 0;
      const ax = t === 1 ? x[i + 1] : x[i] + t * dx, ay = t === 1 ? y[i + 1] : y[i] + t * dy;
      const away = Math.sqrt((px - ax) * (px - ax) + (py - ay) * (py - ay));
      if (away < distance) { distance = away; fx = ax; fy = ay; along = whole + t * step; }
      whole += step;
    }
    return { segment, offset: whole > 0 ? Math.floor(along / whole * length[segment] + .5) : 0, distance, foot: [fx, fy] };
  }

  function readStreets() {
    const { nodes, segments, vertices } = plan, node = points(nodes);
    const u = ints(segments, signed), v = ints(segments, signed);
    for (let s = 0; s < segments; s++) { u[s] += s ? v[s - 1] : 0; v[s] += u[s]; }
    const bits = ints(segments), piece = ints(segments), name = ints(segments), length = numbers(segments, signed);
    const first = new Int32Array(segments + 1), shaped = [];
    for (let s = 0; s < segments; s++) if (bits[s] & 8) shaped.push(s);
    const inner = ints(shaped.length), count = new Int32Array(segments);
    shaped.forEach((s, k) => { count[s] = inner[k] + 2; });
    for (let s = 0; s < segments; s++) first[s + 1] = first[s] + count[s];
    const x = new Float64Array(vertices), y = new Float64Array(vertices), total = vertices - 2 * shaped.length;
    const dx = numbers(total, signed), dy = numbers(total, signed);
    let k = 0;
    shaped.forEach((s) => {
      const a = first[s], b = first[s + 1] - 1;
      x[a] = node.x[u[s]]; y[a] = node.y[u[s]];
      for (let i = a + 1; i < b; i++, k++) { x[i] = x[i - 1] + dx[k]; y[i] = y[i - 1] + dy[k]; }
      x[b] = node.x[v[s]]; y[b] = node.y[v[s]];
      let whole = 0;
      for (let i = a; i < b; i++) whole += Math.sqrt((x[i + 1] - x[i]) * (x[i + 1] - x[i]) + (y[i + 1] - y[i]) * (y[i + 1] - y[i]));
      length[s] += Math.floor(whole + .5);
    });
    return { node, u, v, bits, piece, name, length, first, x, y };
  }

  const streets = readStreets();
  const facilities = Object.assign(readSpots(plan.facilities), {
    counts: ints(plan.facilities), later: ints(plan.facilities), error: numbers(plan.facilities),
  });
  const people = readSpots(plan.people);
  ["village", "circle", "weight", "elderly", "state"].forEach((name) => { people[name] = numbers(plan.people); });
  for (let p = 0; p < plan.people; p++) people.village[p] -= 1;
  const servedOutside = ints(plan.pieces), walls = points(2 * plan.walls);
  const { u, v, bits, piece, length, first } = streets;
  const forward = (s) => (bits[s] & 1) > 0, backward = (s) => (bits[s] & 2) > 0, islet = (s) => (bits[s] & 4) > 0;
  const anyMainland = bits.some((b) => !(b & 4));

  /* ---- projection ---- */

  function project(fit, a, b) {
    const p = (a - fit.middle[0]) / fit.half[0], q = (b - fit.middle[1]) / fit.half[1];
    let x = 0, y = 0, k = 0;
    for (let j = 0, vj = 1; j <= plan.degree; j++, vj *= q) {
      for (let i = 0, ui = 1; i <= plan.degree - j; i++, ui *= p, k++) { x += fit.x[k] * ui * vj; y += fit.y[k] * ui * vj; }
    }
    return [x + fit.centre[0], y + fit.centre[1]];
  }
  const toMm = ({ lat, lng }) => project(plan.forward, lng, lat).map((mm) => Math.floor(mm + .5));
  const toLatLng = (x, y) => { const [lng, lat] = project(plan.back, x, y); return L.latLng(lat, lng); };

  /* ---- placing ---- */

  /* Nearest place on the streets, or on those of no islet; of equally near ones, that of the lowest segment. */
  function nearest(x, y, mainland) {
    const found = [];
    let least = Infinity;
    for (let s = 0; s < length.length; s++) {
      if (first[s] === first[s + 1] || mainland && islet(s)) continue;
      const one = footOn(s, x, y);
      if (one.distance <= least + TOLERANCE) found.push(one);
      least = Math.min(least, one.distance);
    }
    return found.find(({ distance }) => distance <= least + TOLERANCE);
  }

  const turn = (ax, ay, bx, by, cx, cy) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  function crosses(ax, ay, bx, by) {
    for (let w = 0; w < walls.x.length; w += 2) {
      const cx = walls.x[w], cy = walls.y[w], dx = walls.x[w + 1], dy = walls.y[w + 1];
      if (turn(ax, ay, bx, by, cx, cy) * turn(ax, ay, bx, by, dx, dy) < 0
        && turn(cx, cy, dx, dy, ax, ay) * turn(cx, cy, dx, dy, bx, by) < 0) return true;
    }
    return false;
  }

  /* A point with its places; `blocked` where a barrier lies before the street, `away` how far that is. */
  function place(x, y, snap) {
    const spot = { x, y, segment: [0, 0], offset: [0, 0], access: [-1, -1], away: Infinity, blocked: false };
    const found = [nearest(x, y, false)];
    if (!found[0]) return spot;
    spot.away = found[0].distance;
    if (islet(found[0].segment) && anyMainland) found.push(nearest(x, y, true));
    found.forEach((one, slot) => {
      if (!one || one.distance > snap + TOLERANCE) return;
      if (crosses(x, y, one.foot[0], one.foot[1])) { spot.blocked = true; return; }
      [spot.segment[slot], spot.offset[slot], spot.access[slot]] = [one.segment, one.offset, Math.floor(one.distance + .5)];
    });
    return spot;
  }

  const spotOf = (spots, k) => ({
    x: spots.x[k], y: spots.y[k], segment: [spots.segment[0][k], spots.segment[1][k]],
    offset: [spots.offset[0][k], spots.offset[1][k]], access: [spots.access[0][k], spots.access[1][k]],
  });

  /* ---- searching ---- */

  /* From facilities outwards, against the way people walk. */
  const links = (() => {
    const degree = new Int32Array(plan.nodes + 1);
    const each = (found) => {
      for (let s = 0; s < length.length; s++) {
        if (forward(s)) found(v[s], u[s], s);
        if (backward(s)) found(u[s], v[s], s);
      }
    };
    each((from) => { degree[from + 1]++; });
    const open = sums(degree), fill = open.slice(), to = new Int32Array(open[plan.nodes]), by = new Int32Array(open[plan.nodes]);
    each((from, node, s) => { to[fill[from]] = node; by[fill[from]++] = s; });
    return { open, to, by };
  })();

  function search(posts) {
    const count = plan.nodes, cost = new Float64Array(count).fill(Infinity);
    const next = new Int32Array(count).fill(-1), by = new Int32Array(count).fill(-1), post = new Int32Array(count).fill(-1);
    const heap = [], key = [];
    const push = (node, value) => {
      let k = heap.length;
      for (let up; k && key[up = (k - 1) >> 1] > value; k = up) { heap[k] = heap[up]; key[k] = key[up]; }
      heap[k] = node; key[k] = value;
    };
    const pop = () => {
      const node = heap[0], last = heap.pop(), value = key.pop(), size = heap.length;
      let k = 0;
      for (let down; size && (down = 2 * k + 1) < size; k = down) {
        if (down + 1 < size && key[down + 1] < key[down]) down++;
        if (key[down] >= value) break;
        heap[k] = heap[down]; key[k] = key[down];
      }
      if (size) { heap[k] = last; key[k] = value; }
      return node;
    };
    const reach = (node, value, from, segment, number) => {
      if (value >= cost[node]) return;
      cost[node] = value; next[node] = from; by[node] = segment; post[node] = number;
      push(node, value);
    };
    posts.forEach((one, number) => [0, 1].forEach((slot) => {
      if (one.access[slot] < 0) return;
      const s = one.segment[slot], offset = one.offset[slot], left = length[s] - offset;
      if (forward(s) || offset === 0) reach(u[s], one.access[slot] + offset, -1, s, number);
      if (backward(s) || left === 0) reach(v[s], one.access[slot] + left, -1, s, number);
    }));
    const done = new Uint8Array(count);
    while (heap.length) {
      const node = pop();
      if (done[node]) continue;
      done[node] = 1;
      for (let k = links.open[node]; k < links.open[node + 1]; k++) {
        reach(links.to[k], cost[node] + length[links.by[k]], node, links.by[k], post[node]);
      }
    }
    return { cost, next, by, post, posts };
  }

  /* All ways from one place to the posts. `tell` hears the length and: the junction and how far along the segment it is,
     or -1 and post and slot where the way stays on the segment. */
  function waysFrom(segment, offset, access, field, onSegment, tell) {
    if (access < 0) return;
    const left = length[segment] - offset;
    if (backward(segment) || offset === 0) tell(access + offset + field.cost[u[segment]], u[segment], 0);
    if (forward(segment) || left === 0) tell(access + left + field.cost[v[segment]], v[segment], length[segment]);
    (onSegment.get(segment) || []).forEach(([post, slot]) => {
      const ahead = field.posts[post].offset[slot] - offset;
      const free = ahead === 0 || (ahead > 0 ? forward(segment) : backward(segment));
      if (free) tell(access + Math.abs(ahead) + field.posts[post].access[slot], -1, post, slot);
    });
  }

  function bySegment(posts) {
    const found = new Map();
    posts.forEach((one, post) => [0, 1].forEach((slot) => {
      if (one.access[slot] < 0) return;
      const s = one.segment[slot];
      found.set(s, [...(found.get(s) || []), [post, slot]]);
    }));
    return found;
  }

  App.graph = {
    plan, streets, facilities, people, servedOutside, walls,
    toMm, toLatLng, place, spotOf, search, waysFrom, bySegment, crosses, TOLERANCE,
  };
  await App.emit("graph");
});
