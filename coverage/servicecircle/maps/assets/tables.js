/* The tables under the map: sorted by their heads, each row a way to the map. */
"use strict";
(() => {
  const { at, make, words } = App;
  const LONG = 300, SHOWN_ROWS = 25, PRINTED_ROWS = 200, WORDY = 24;
  const papers = [];
  const byWords = new Intl.Collator(document.documentElement.lang, { numeric: true });

  function go(table, row, line) {
    document.querySelectorAll("tr.here").forEach((other) => other.classList.remove("here"));
    line.classList.add("here");
    const where = App.go(App.layer(table.layer), row, table.boxes[row]);
    App.emit("row", table, row, where);
    App.say(words.on_the_map + table.rows[row].slice(0, 3).map(App.brief).join(" "));
  }

  /* A text of any length: of a very long one the first lines are seen, and a button shows the rest. */
  function unfolding(text) {
    const whole = make("span", text, "cut"), button = Object.assign(make("button", words.unfold, "unfold"), { type: "button" });
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => button.setAttribute("aria-expanded", String(whole.classList.toggle("whole"))));
    return [whole, button];
  }

  function holding(tag, content, facts) {
    const element = Object.assign(make(tag), facts);
    element.append(content);
    return element;
  }

  function tableRow(table, row) {
    const line = make("tr"), leads = table.boxes[row];
    table.rows[row].forEach((text, column) => {
      const cell = make(column ? "td" : "th", "", table.columns[column].look);
      if (!column) cell.scope = "row";
      const address = table.links[column] && table.links[column][row];
      const leading = leads && !column, [told, unfold] = text.length > LONG ? unfolding(text) : [text, ""];
      if (address) cell.append(holding("a", told, { href: address }));
      if (leading) {
        const button = holding("button", address ? "◎" : told, { type: "button", title: words.show_on_map });
        if (address) button.setAttribute("aria-label", words.show_on_map + " " + App.brief(text));
        cell.append(button);
      }
      if (!address && !leading) cell.append(told);
      cell.append(unfold);
      line.append(cell);
    });
    if (leads) {
      line.className = "goes";
      line.addEventListener("click", (event) => { if (!event.target.closest("a, .unfold")) go(table, row, line); });
    }
    return line;
  }

  /* Rows in the order of a column: by value where it has values, else by words; what has no value comes last. */
  function ordered(table, column, direction) {
    const order = table.rows.map((_, row) => row);
    if (!direction) return order;
    const { keys } = table.columns[column];
    const missing = (row) => keys ? keys[row] === null : table.rows[row][column] === "—";
    const compare = keys ? (a, b) => keys[a] - keys[b] : (a, b) => byWords.compare(table.rows[a][column], table.rows[b][column]);
    const signed = (a, b) => missing(a) || missing(b) ? missing(a) - missing(b) : direction * compare(a, b);
    return order.sort((a, b) => signed(a, b) || a - b); // older engines do not keep the order of equals by themselves
  }

  /* Figures stand to the right; whole sentences have room to be read. */
  const lookOf = (table, column) => table.columns[column].number ? "number"
    : table.rows.some((row) => row[column].length > WORDY) ? "wordy" : "";

  function tableSection(table) {
    table.columns.forEach((column, number) => { column.look = lookOf(table, number); });
    const section = make("section", "", table.name), scroll = make("div", "", "scroll"), element = make("table");
    const thead = make("thead"), head = make("tr"), body = make("tbody"), title = make("h2", table.caption);
    let order = ordered(table, 0, 0), shown = Math.min(SHOWN_ROWS, table.rows.length);
    const write = () => App.fill(body, ...order.slice(0, shown).map((row) => tableRow(table, row)));

    title.id = "table-" + table.name;
    element.setAttribute("aria-labelledby", title.id);
    Object.assign(scroll, { tabIndex: 0 });
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-labelledby", title.id);
    table.columns.forEach(({ label, number }, column) => {
      const cell = make("th", "", number ? "number" : ""), button = Object.assign(make("button", label, "sort"), { type: "button" });
      cell.scope = "col";
      cell.append(button);
      button.addEventListener("click", () => {
        /* Figures begin with the largest, words with the first; the third time the table is as it was. */
        const turns = number ? ["descending", "ascending", ""] : ["ascending", "descending", ""];
        const turn = turns[(turns.indexOf(cell.getAttribute("aria-sort") || "") + 1) % 3];
        head.childNodes.forEach((other) => other.removeAttribute("aria-sort"));
        if (turn) cell.setAttribute("aria-sort", turn);
        order = ordered(table, column, { ascending: 1, descending: -1 }[turn] || 0);
        write();
      });
      head.append(cell);
    });
    thead.append(head);
    element.append(thead, body);
    scroll.append(element);
    section.append(title, scroll);
    write();
    if (table.rows.length > shown) {
      const more = Object.assign(make("button", table.more, "more"), { type: "button" });
      if (table.rows.length <= PRINTED_ROWS) papers.push((on) => {
        more.hidden = on;
        App.fill(body, ...order.slice(0, on ? order.length : shown).map((row) => tableRow(table, row)));
      });
      more.addEventListener("click", () => { shown = table.rows.length; write(); more.remove(); scroll.focus(); });
      section.append(more);
    }
    return section;
  }

  /* On paper nobody can ask for the rest. */
  App.on("paper", (on) => papers.forEach((paper) => paper(on)));
  at("tables").append(...App.page.tables.filter(({ rows }) => rows.length).map(tableSection));
})();
