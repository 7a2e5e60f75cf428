/* Search by name, by pinyin (whole, initials, or both mixed) and by code. */
"use strict";
(() => {
  const { at, make, words } = App;
  const MOST = 12;

  /* Those that hold others come first. */
  const searched = App.layers.filter(({ search }) => search).sort((a, b) => (b.name === "townships") - (a.name === "townships"));
  const entries = [].concat(...searched.map((layer) => layer.search.codes.map((code, row) => {
    const name = layer.columns[0].texts[row];
    /* A syllable has one reading, or several with a stroke between. */
    const syllables = layer.search.pinyin[row].split(" ").filter(Boolean).map((readings) => readings.split("/"));
    return { layer, row, code, name, plain: name.toLowerCase(), syllables };
  })));

  /* Whether the letters are spelled from a syllable on: each syllable in full or by its initial, the last one as far as typed. */
  function spelled(letters, syllables, from) {
    if (!letters) return true;
    if (from >= syllables.length) return false;
    return syllables[from].some((reading) => reading.startsWith(letters)
      || letters.startsWith(reading) && spelled(letters.slice(reading.length), syllables, from + 1)
      || letters[0] === reading[0] && spelled(letters.slice(1), syllables, from + 1));
  }

  /* The smaller the better; undefined: not found. */
  function rank({ code, plain, syllables }, typed, letters) {
    if (code.toLowerCase() === typed || plain === typed) return 0;
    if (plain.startsWith(typed)) return 1;
    if (code.toLowerCase().startsWith(typed)) return 2;
    if (plain.indexOf(typed) >= 0) return 3;
    if (!letters) return undefined;
    const first = syllables.findIndex((_, from) => spelled(letters, syllables, from));
    return first < 0 ? undefined : first ? 5 : 4;
  }

  function find(text) {
    const typed = text.trim().toLowerCase(), letters = /^[a-zü' ]+$/.test(typed) ? typed.replace(/[' ]/g, "").replace(/ü/g, "v") : "";
    if (!typed) return [];
    const found = [];
    entries.forEach((entry, number) => {
      const how = rank(entry, typed, letters);
      if (how !== undefined) found.push([how, number]);
    });
    return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, number]) => entries[number]);
  }

  function searchBox() {
    const label = make("label", words.search), input = make("input"), list = make("ul"), clear = () => close();
    Object.assign(input, { type: "search", id: "search-text", autocomplete: "off", spellcheck: false, placeholder: words.search_hint });
    Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "search-found" })
      .forEach(([name, value]) => input.setAttribute(name, value));
    label.htmlFor = input.id;
    list.id = "search-found";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", words.search);
    list.hidden = true;
    let found = [], active = -1;

    function close() {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      active = -1;
    }
    function mark(number) {
      active = number;
      Array.from(list.children).forEach((item, k) => item.setAttribute("aria-selected", String(k === active)));
      input.setAttribute("aria-activedescendant", "found-" + active);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
    function open() {
      const all = find(input.value);
      found = all.slice(0, MOST);
      active = -1;
      input.removeAttribute("aria-activedescendant");
      App.fill(list, ...found.map((entry, number) => {
        const item = make("li");
        item.id = "found-" + number;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.append(make("span", entry.name), make("span", entry.layer.label + " " + entry.code, "kind"));
        item.addEventListener("pointerdown", (event) => event.preventDefault());
        item.addEventListener("click", () => choose(entry));
        return item;
      }));
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      const typed = Boolean(input.value.trim());
      at("search-note").textContent = typed && !all.length ? words.search_none : "";
      App.say(!typed ? "" : all.length ? words.search_count.replace("#", all.length) : words.search_none);
    }
    function choose(entry) {
      input.value = entry.name;
      close();
      App.go(entry.layer, entry.row);
      App.say(words.on_the_map + entry.name);
    }
    input.addEventListener("input", open);
    input.addEventListener("blur", clear);
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && list.hidden) open();
      if (step && found.length && !list.hidden) mark((active + step + (active < 0 && step < 0 ? 1 : 0) + found.length) % found.length);
      else if (event.key === "Enter" && !event.isComposing && !list.hidden) choose(found[Math.max(active, 0)]);
      else if (event.key === "Escape" && !list.hidden) close();
      else return;
      event.preventDefault();
    });
    const note = make("span", "", "note");
    note.id = "search-note";
    at("search").append(label, input, list, note);
  }

  if (entries.length) searchBox();
  Object.assign(App, { find });
})();
