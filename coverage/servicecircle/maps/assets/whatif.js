/* What if a facility were opened here, or that one closed? Estimates that equal the run's own recalculation. */
"use strict";
App.on("graph", () => {
  const { graph, make } = App, { plan, people, facilities, TOLERANCE } = graph;
  if (!plan.try) return;
  const { say, count, panel, crosshair } = App.inquiry, steps = [];

  /* ---- figures ---- */

  /* The state of some people under one circle and the posts that count for it: 1 within, 2 doubtful, 4 by the streets. */
  function measure(circle, posts, rows) {
    const limit = plan.limits[circle] + TOLERANCE, field = graph.search(posts), near = graph.bySegment(posts);
    const unsure = posts.some((post) => post.error > 0);
    const moved = unsure ? posts.map((post) => ({ ...post, access: post.access.map((mm) => mm < 0 ? mm : mm + post.error) })) : posts;
    const farther = unsure ? graph.search(moved) : field, nearMoved = unsure ? graph.bySegment(moved) : near;
    const served = Array.from(graph.servedOutside, (mask) => (mask >> circle & 1) > 0), found = new Uint8Array(rows.length);
    posts.forEach((post) => [0, 1].forEach((slot) => { if (post.access[slot] >= 0) served[graph.streets.piece[post.segment[slot]]] = true; }));
    for (let k = 0; k < rows.length; k++) {
      const p = rows[k];
      let straight = Infinity, perhaps = false, walk = Infinity, surely = Infinity, placed = false, reached = false;
      for (const post of posts) {
        const dx = people.x[p] - post.x, dy = people.y[p] - post.y, away = Math.sqrt(dx * dx + dy * dy);
        if (away < straight) straight = away;
        if (post.error > 0 && away <= limit + post.error) perhaps = true;
      }
      for (let slot = 0; slot < 2; slot++) {
        const segment = people.segment[slot][p], offset = people.offset[slot][p], access = people.access[slot][p];
        if (access < 0) continue;
        placed = true;
        reached = reached || served[graph.streets.piece[segment]];
        graph.waysFrom(segment, offset, access, field, near, (mm) => { if (mm < walk) walk = mm; });
        if (unsure) graph.waysFrom(segment, offset, access, farther, nearMoved, (mm) => { if (mm < surely) surely = mm; });
      }
      const metres = Math.max(walk, straight), byLine = straight <= limit, byStreets = (unsure ? surely : metres) <= limit;
      const inside = plan.straight ? byLine : metres <= limit;
      const doubtful = !inside && (byLine || perhaps) && (!byLine || !placed || !reached || metres > plan.doubt * straight);
      found[k] = inside + 2 * doubtful + 4 * byStreets;
    }
    return found;
  }

  const post = (f) => Object.assign(graph.spotOf(facilities, f), { error: facilities.error[f] });
  /* Whom some posts may matter to: a way longer than a doubted detour changes nobody's state. */
  function around(circle, posts) {
    const reach = plan.limits[circle] * Math.max(plan.doubt, 1) + 1000, rows = [];
    for (let p = 0; p < people.x.length; p++) {
      if (people.circle[p] !== circle) continue;
      if (posts.some(({ x, y, error }) => Math.hypot(people.x[p] - x, people.y[p] - y) <= reach + error)) rows.push(p);
    }
    return rows;
  }
  const maskOf = (kind) => (plan.kinds.find(([code]) => code === kind) || [0, 0, 0])[2];

  const counting = (circle) => Array.from(facilities.counts, (_, f) => f).filter((f) => facilities.counts[f] & 1 << circle);
  const today = plan.circles.map(() => null);
  /* Everybody's state under a circle as things are: measured once, at leisure if nobody has tried anything yet. */
  function before(circle) {
    if (!today[circle]) {
      const rows = Array.from(people.circle.keys()).filter((p) => people.circle[p] === circle), found = measure(circle, counting(circle).map(post), rows);
      today[circle] = new Uint8Array(people.x.length);
      rows.forEach((p, k) => { today[circle][p] = found[k]; });
    }
    return today[circle];
  }
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
  plan.circles.forEach((_, circle) => idle(() => before(circle)));
  idle(() => graph.place(people.x[0], people.y[0], plan.snap));

  function states({ sites, removed, opened }) {
    const state = Float64Array.from(people.state);
    plan.circles.forEach((_, circle) => {
      const bit = 1 << circle, all = Array.from(facilities.counts, (__, f) => f);
      const open = all.filter((f) => facilities.counts[f] & bit && !removed.includes(f) || facilities.later[f] & bit && opened.includes(f));
      const now = counting(circle), tried = sites.filter(({ kind }) => maskOf(kind) & bit);
      if (!tried.length && open.join() === now.join()) return;
      const added = tried.map((site) => ({ ...site.spot, error: 0 }));
      const changed = all.filter((f) => open.includes(f) !== now.includes(f)).map(post), rows = around(circle, [...changed, ...added]);
      const was = before(circle), after = measure(circle, [...open.map(post), ...added], rows);
      rows.forEach((p, k) => { if (after[k] !== was[p]) state[p] = after[k]; });
    });
    return state;
  }

  const reaches = (share) => share >= plan.required - 1e-12;

  /* Verdict and share of every village, from thousandths of people. */
  function verdicts(state) {
    const sums = plan.villages.map(() => [0, 0, 0, 0]);
    for (let p = 0; p < state.length; p++) {
      if (people.village[p] < 0) continue;
      const sum = sums[people.village[p]], weight = people.weight[p];
      sum[0] += weight;
      for (let k = 0; k < 3; k++) if (state[p] & 1 << k) sum[k + 1] += weight;
    }
    return sums.map(([all, within, doubtful, streets]) => {
      const verdict = all <= 0 ? "not_judged" : reaches(streets / all) ? "met"
        : reaches(Math.min((within + doubtful) / all, 1)) ? "to_verify" : "not_met";
      return { verdict, share: all > 0 ? within / all : 0 };
    });
  }

  /* What a trial changes. Sites are whole millimetres from the page's origin. */
  function tryOut({ sites = [], removed = [], opened = [] }) {
    const placed = sites.map((site) => ({ ...site, spot: site.spot || graph.place(site.x, site.y, plan.snap) }));
    const state = states({ sites: placed, removed, opened });
    const out = { gained: 0, lost: 0, elderlyGained: 0, elderlyLost: 0, near: 0, elderlyNear: 0 };
    for (let p = 0; p < state.length; p++) {
      const change = (state[p] & 1) - (people.state[p] & 1);
      if (!change) continue;
      if (people.village[p] < 0) {
        out.near += change * people.weight[p];
        out.elderlyNear += change * people.elderly[p];
      } else {
        out[change > 0 ? "gained" : "lost"] += people.weight[p];
        out[change > 0 ? "elderlyGained" : "elderlyLost"] += people.elderly[p];
      }
    }
    Object.keys(out).forEach((name) => { out[name] /= 1000; });
    const old = verdicts(people.state), after = verdicts(state);
    out.changed = plan.villages.map(([code, name, , , judged], village) => ({ code, name, judged, before: old[village], after: after[village] }))
      .filter(({ judged, before: was, after: now }) => judged && was.verdict !== now.verdict);
    return out;
  }

  /* ---- the trial on the page ---- */

  let armed = false, outcome = null;
  const drawn = L.layerGroup().addTo(App.map);
  const kindName = (code) => plan.kinds.find(([kind]) => kind === code)[1];
  const short = (text) => text.length > 40 ? text.slice(0, 39) + "…" : text;
  const numbered = () => steps.filter(({ type }) => type === "site");
  const label = (step) => step.type === "site"
    ? say("trial_site", { number: numbered().indexOf(step) + 1, kind: kindName(step.kind) })
    : say(step.type === "removed" ? "trial_removed" : "trial_opened", { name: short(plan.stations[step.f][1]) });
  const spec = () => ({
    sites: numbered(), removed: steps.filter(({ type }) => type === "removed").map(({ f }) => f),
    opened: steps.filter(({ type }) => type === "opened").map(({ f }) => f),
  });

  const box = panel("trial", "trial_title");
  box.append(make("p", say("trial_about"), "about"));
  const button = (key, press) => {
    const element = make("button", say(key), "action");
    element.type = "button";
    element.addEventListener("click", press);
    return element;
  };
  const labelled = (key, element) => {
    const wrap = make("label");
    wrap.append(make("span", say(key)), element);
    return wrap;
  };
  const option = (text, value) => Object.assign(make("option", text), { value });

  const kinds = make("select");
  kinds.append(...plan.kinds.map(([code, name]) => option(name, code)));
  const arm = button("trial_arm", () => setArmed(!armed));
  const centre = button("trial_centre", () => addSite(App.map.getCenter()));
  crosshair(centre);
  const chooser = (key, type, mask) => {
    const select = make("select");
    const fill = () => {
      while (select.firstChild) select.firstChild.remove();
      select.append(option(say("trial_choose"), ""));
      plan.stations.forEach(([, name, kind, status], f) => {
        if (!mask[f] || steps.some((step) => step.f === f)) return;
        select.append(option(short(name) + (type === "opened" ? say("trial_in_brackets", { what: status }) : say("trial_in_brackets", { what: kind })), f));
      });
      select.disabled = select.options.length < 2;
    };
    /* Keys walk through a closed list, and each step is a change: there Enter chooses, or going on. */
    let walking = false;
    const choose = () => {
      walking = false;
      if (select.value !== "") add({ type, f: Number(select.value) });
    };
    select.addEventListener("keydown", ({ key, altKey }) => {
      if (key === "Enter") choose();
      else walking = key !== "Tab" && key !== " " && !altKey;
    });
    select.addEventListener("mousedown", () => { walking = false; });
    select.addEventListener("change", () => { if (!walking) choose(); });
    select.addEventListener("blur", choose);
    return { fill, wrap: labelled(key, select) };
  };
  const removal = chooser("trial_remove", "removed", facilities.counts), opening = chooser("trial_open", "opened", facilities.later);
  const tools = make("div", "", "tools"), list = make("ol", "", "steps"), figures = make("div", "", "outcome"), after = make("div", "", "tools");
  figures.setAttribute("role", "status");
  figures.setAttribute("aria-live", "polite");
  tools.append(labelled("trial_kind", kinds), arm, centre, removal.wrap, opening.wrap);
  const undo = button("trial_undo", () => { steps.pop(); show(); }), reset = button("trial_reset", () => { steps.length = 0; show(); });
  const lines = make("textarea");
  lines.readOnly = true;
  lines.rows = 8;
  const study = labelled("trial_study", lines);
  study.className = "study";
  after.append(undo, reset, button("trial_csv", saveCsv), button("trial_geojson", saveGeoJson));
  box.append(tools, list, figures, after, study);

  function setArmed(on) {
    armed = on;
    arm.setAttribute("aria-pressed", String(on));
    App.inquiry.armed = on;
    App.map.getContainer().classList.toggle("armed", on);
    if (on) App.map.closePopup();
  }

  function addSite(where) {
    const [x, y] = graph.toMm(where), spot = graph.place(x, y, plan.snap), village = App.inquiry.villageAt(where, x, y);
    if (spot.blocked) return tell("trial_blocked");
    if (spot.access[0] < 0 && spot.access[1] < 0) {
      return tell("trial_off", { metres: count(spot.away / 1000), limit: count(plan.snap / 1000) });
    }
    if (village < 0 && !App.inquiry.near(x, y)) return tell("trial_far");
    return add({ type: "site", x, y, kind: kinds.value, spot });
  }
  const tell = (key, facts) => { figures.insertBefore(make("p", say(key, facts), "warning"), figures.firstChild); };
  const add = (step) => { steps.push(step); show(); };

  const about = (value) => value <= 0 ? count(value) : value <= .5 ? say("trial_under_one")
    : plan.modelled ? say("trial_modelled", { people: count(value) }) : count(value);
  function figure(list, key, people, elderly) {
    const parts = plan.elderly ? say("trial_both", { people: about(people), elderly: about(elderly) }) : say("trial_people", { people: about(people) });
    list.append(make("dt", say(key)), make("dd", parts));
  }

  function show() {
    outcome = steps.length ? tryOut(spec()) : null;
    App.inquiry.mark(box, steps.length > 0);
    [list, figures].forEach((part) => { while (part.firstChild) part.firstChild.remove(); });
    steps.forEach((step, k) => {
      const item = make("li"), drop = make("button", "✕", "drop");
      drop.type = "button";
      drop.setAttribute("aria-label", say("trial_drop", { what: label(step) }));
      drop.addEventListener("click", () => { steps.splice(k, 1); show(); undo.focus(); });
      item.append(make("span", label(step)), drop);
      list.append(item);
    });
    [undo, reset, ...after.querySelectorAll("button")].forEach((one) => { one.disabled = !steps.length; });
    removal.fill();
    opening.fill();
    study.hidden = !numbered().length;
    lines.value = studyLines();
    draw();
    if (outcome) report();
  }

  function report() {
    const sums = make("dl");
    figure(sums, "trial_gained", outcome.gained, outcome.elderlyGained);
    if (outcome.lost > 0) figure(sums, "trial_lost", outcome.lost, outcome.elderlyLost);
    if (outcome.near) figure(sums, outcome.near > 0 ? "trial_near" : "trial_near_lost", Math.abs(outcome.near), Math.abs(outcome.elderlyNear));
    figures.append(make("p", say("trial_estimate"), "estimate"), sums);
    if (!outcome.changed.length) return figures.append(make("p", say("trial_no_verdict")));
    const table = make("table"), head = make("tr"), body = make("tbody"), wrap = make("div", "", "scroll");
    table.append(make("caption", say("trial_verdicts", { villages: count(outcome.changed.length) })));
    ["trial_village", "trial_before", "trial_after"].forEach((key) => head.append(Object.assign(make("th", say(key)), { scope: "col" })));
    outcome.changed.forEach(({ name, before, after: now }) => {
      const row = make("tr");
      row.append(Object.assign(make("th", App.brief(name)), { scope: "row" }), make("td", told(before)), make("td", told(now)));
      body.append(row);
    });
    const thead = make("thead");
    thead.append(head);
    table.append(thead, body);
    wrap.append(table);
    return figures.append(wrap);
  }
  const percent = (share) => share >= 1 - 1e-9 ? "100.0%" : (Math.min(Math.floor(share * 1000 + 1e-6) / 10, 99.9)).toFixed(1) + "%";
  const told = ({ verdict, share }) => say("trial_verdict", { verdict: plan.verdicts[verdict], share: percent(share) });

  function draw() {
    drawn.clearLayers();
    steps.forEach((step) => {
      const where = step.type === "site" ? graph.toLatLng(step.x, step.y) : graph.toLatLng(facilities.x[step.f], facilities.y[step.f]);
      const text = step.type === "site" ? String(numbered().indexOf(step) + 1) : step.type === "removed" ? "✕" : "＋";
      const icon = L.divIcon({ className: "trial-mark " + step.type, html: "", iconSize: [24, 24] });
      const marker = L.marker(where, { icon, keyboard: false, interactive: false }).addTo(drawn);
      marker.getElement().append(make("span", text));
    });
  }

  App.map.on("click", (event) => { if (armed) { App.map.closePopup(); addSite(event.latlng); } });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && armed) { setArmed(false); arm.focus(); } });

  /* ---- export ---- */

  const places = () => steps.map((step) => {
    const mm = step.type === "site" ? [step.x, step.y] : [facilities.x[step.f], facilities.y[step.f]];
    const { lat, lng } = graph.toLatLng(mm[0], mm[1]), station = step.type === "site" ? null : plan.stations[step.f];
    return {
      action: say("trial_action_" + step.type), id: station ? station[0] : "", name: station ? station[1] : label(step),
      kind: station ? station[2] : kindName(step.kind), lon: Number(lng.toFixed(9)), lat: Number(lat.toFixed(9)),
      x_mm: mm[0] + plan.origin[0], y_mm: mm[1] + plan.origin[1],
    };
  });
  const cell = (value) => {
    if (typeof value === "number") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const table = (rows) => rows.map((row) => row.map(cell).join(",")).join("\r\n");
  const whole = (value) => Math.round(value);
  const results = () => [
    ["trial_gained", outcome.gained, outcome.elderlyGained], ["trial_lost", outcome.lost, outcome.elderlyLost],
    ["trial_near_change", outcome.near, outcome.elderlyNear],
  ];
  const columns = () => ["action", "id", "name", "kind", "lon", "lat", "x_mm", "y_mm"];

  function saveCsv() {
    const rows = [columns().map((key) => say("trial_column_" + key)), ...places().map((one) => columns().map((key) => one[key]))];
    rows.push([], [say("trial_estimate")], ["", say("trial_column_people"), ...(plan.elderly ? [say("trial_column_elderly")] : [])]);
    results().forEach(([key, all, old]) => rows.push([say(key), whole(all), ...(plan.elderly ? [whole(old)] : [])]));
    rows.push([], ["trial_village", "trial_before", "trial_after"].map((key) => say(key)));
    outcome.changed.forEach(({ name, before, after: now }) => rows.push([name, told(before), told(now)]));
    save("﻿" + table(rows) + "\r\n", "trial.csv", "text/csv;charset=utf-8");
  }

  function saveGeoJson() {
    const features = places().map(({ lon, lat, ...properties }) => ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties }));
    const { gained, lost, elderlyGained, elderlyLost, near, elderlyNear, changed } = outcome;
    const estimate = {
      note: say("trial_estimate"), people_gained: whole(gained), people_lost: whole(lost), people_near: whole(near),
      elderly_gained: whole(elderlyGained), elderly_lost: whole(elderlyLost), elderly_near: whole(elderlyNear),
      verdicts: changed.map(({ code, name, before, after: now }) => ({ code, name, before: before.verdict, after: now.verdict })),
    };
    save(JSON.stringify({ type: "FeatureCollection", estimate, features }, null, 1), "trial.geojson", "application/geo+json");
  }

  function save(text, name, type) {
    const link = make("a"), address = URL.createObjectURL(new Blob([text], { type }));
    Object.assign(link, { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function studyLines() {
    const rows = places().map(({ name, kind, lon, lat }, k) => [name, App.inquiry.grouped ? steps[k].kind : kind, plan.operating, lon, lat])
      .filter((_, k) => steps[k].type === "site"); // kinds are read by their Chinese names and by their codes
    const head = ["name", "kind", "status", "lon", "lat"].map((key) => say("trial_column_" + key));
    return `[[facilities]]\nsource = "trial_sites.csv"\ndatum = "wgs84"\n\n# trial_sites.csv\n${table([head, ...rows]).replace(/\r/g, "")}\n`;
  }

  App.trial = { tryOut, add, addSite, steps, outcome: () => outcome };
  show();
});
