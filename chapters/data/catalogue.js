// The catalogue: search and filters over every printed number. Its data is window.wwCells (see watwerkt.finder):
// each field has a list of distinct values and, for every row, the number of its value.
(() => {
  "use strict";
  const tool = document.getElementById("ww-finder");
  const data = window.wwCells;
  if (!tool) return;
  if (!data) {
    tool.append("The numbers could not be loaded. The tables are listed below.");
    return;
  }
  const ROOT = tool.dataset.root; // from this page to the root of the site
  const PAGE = 50; // rows shown at a time
  const COLUMNS = [
    "study", "table", "cell", "panel", "row", "column", "population", "dimension", "category", "arm", "comparison",
    "service", "outcome", "horizon_months", "statistic", "unit", "value", "decimals", "stars", "larger_than", "status",
    "corrected",
  ];
  const value = (field, row) => data.fields[field].values[data.fields[field].at[row]];
  const count = (number) => number.toLocaleString("en");
  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, text] of Object.entries(attributes)) made.setAttribute(name, text);
    made.append(...children.filter((child) => child !== ""));
    return made;
  };

  // What can be filtered: the field, and for its values an id (empty: not offered), a label, and perhaps a heading.
  const coded = ([code, label]) => [code, label];
  const facets = [
    ["study", "Study", "place", ([study]) => [study, data.studies[study][0]]],
    ["table", "Table or text", "place", (place) => [
      `${place[0]}-${place[1] || "text"}`,
      place[1] ? `${place[1].slice(1)}: ${place[2]}` : place[2],
      data.studies[place[0]][0],
    ]],
    ["group", "Group", "group", ([population, dimension, category, label, , heading]) => [
      population && `${population}.${dimension}.${category}`, label, heading,
    ]],
    ["outcome", "Outcome", "outcome", coded],
    ["service", "Service", "service", coded],
    ["kind", "Kind of number", "statistic", ([code, label]) => [code || "text", label]],
    ["months", "Horizon in months", "months", (months) => [months, `${months} months`]],
  ].map(([name, label, field, describe]) => {
    const options = data.fields[field].values.map(describe);
    const ids = options.map(([id]) => id);
    const clears = name === "study" ? "table" : ""; // the filter that another choice here makes void
    return { name, label, clears, at: data.fields[field].at, options, ids, known: new Set(ids) };
  });

  // Words: as typed, without accents and capitals, with a plain minus sign.
  const plain = (text) =>
    text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[−–]/g, "-").toLowerCase();
  const texts = { // what is searched, for every distinct value of a field
    place: ([study, table, title]) => [study, ...data.studies[study], table && `table tabel ${table.slice(1)}`, title],
    panel: (text) => [text],
    row: (text) => [text],
    column: (text) => [text],
    group: (group) => group,
    arm: (label) => label,
    comparison: (label) => label,
    service: (label) => label,
    outcome: (label) => label,
    months: (months) => [months && `${months} months maanden`],
    statistic: (label) => label,
    unit: (label) => label,
    number: ([shown, printed]) => [shown, shown.replaceAll(",", ""), printed],
  };
  const searched = Object.entries(texts).map(([field, words]) => ({
    at: data.fields[field].at,
    texts: data.fields[field].values.map((found) => plain(words(found).join(" "))),
  }));
  // Short words and numbers must begin a word ("men" is not "women", 3.2 not 13.2); longer ones may stand within one,
  // as Dutch compounds have it. A decimal comma is a decimal point.
  const tester = (word) => {
    const forms = [...new Set([word, word.replace(/(\d),(\d)/g, "$1.$2"), word.replace(/(\d)[.,](\d{3})\b/g, "$1$2")])];
    if (word.length > 3 && !/\d/.test(word)) return (text) => text.includes(word);
    const escaped = forms.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const begins = new RegExp(`(?:^|[^\\p{L}\\d.,])(?:${escaped.join("|")})`, "u");
    return (text) => begins.test(text);
  };
  const wordsOf = (query) => plain(query).split(/\s+/).filter(Boolean);

  // The rows that fit, and for every filter how many rows each of its options would leave.
  const find = (state) => {
    const words = wordsOf(state.q).map((word) => {
      const fits = tester(word);
      return searched
        .map((field) => ({ at: field.at, hit: field.texts.map(fits) }))
        .filter(({ hit }) => hit.includes(true));
    });
    const hits = [];
    const left = facets.map(() => new Map());
    for (let row = 0; row < data.rows; row++) {
      if (!words.every((fields) => fields.some(({ at, hit }) => hit[at[row]]))) continue;
      const missed = facets.filter((facet) => state[facet.name] && facet.ids[facet.at[row]] !== state[facet.name]);
      if (!missed.length) hits.push(row);
      facets.forEach((facet, place) => {
        if (!missed.every((other) => other === facet || other.name === facet.clears)) return;
        const id = facet.ids[facet.at[row]];
        left[place].set(id, (left[place].get(id) || 0) + 1);
      });
    }
    return { hits, left };
  };

  // The page: controls, what was found, and the table.
  const search = el("input", {
    type: "search", id: "ww-finder-q", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    "aria-describedby": "ww-finder-hint",
  });
  const selects = facets.map((facet) => el("select", { id: `ww-finder-${facet.name}` }));
  const clear = el("button", { type: "button" }, "Clear all");
  const save = el("button", { type: "button" });
  const more = el("button", { type: "button", class: "ww-finder-more" });
  const status = el("p", { role: "status", tabindex: "-1", class: "ww-finder-status" });
  const empty = el("div", { class: "ww-finder-empty" });
  const body = el("tbody", { role: "rowgroup" });
  const heads = ["What", "Group", "Kind", "Number", "Unit", "Where"].map((text) =>
    el("th", { scope: "col", role: "columnheader", ...(text === "Number" ? { class: "num" } : {}) }, text));
  const table = el("table", { class: "ww-table", role: "table", "aria-label": "Numbers found" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)), body);
  const form = el("form", { role: "search", "aria-label": "Printed numbers" },
    el("div", { class: "ww-finder-words" },
      el("label", { for: search.id }, "Words or numbers"), search,
      el("p", { id: "ww-finder-hint" }, "All words must occur, in Dutch or in English.")),
    ...facets.map((facet, place) =>
      el("div", {}, el("label", { for: selects[place].id }, facet.label), selects[place])));
  tool.append(form, status, el("div", { class: "ww-finder-buttons" }, save, clear), empty, table, more);

  // State stands in the address, so that a search can be shared and the back button undoes it.
  const EMPTY = { q: "", ...Object.fromEntries(facets.map((facet) => [facet.name, ""])) };
  let state = { ...EMPTY };
  let hits = [];
  let shown = 0;
  let typing = false; // one entry in the history for a run of keystrokes
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    state = { ...EMPTY, q: given.get("q") || "" };
    for (const { name, known } of facets) if (known.has(given.get(name))) state[name] = given.get(name);
  };
  const write = (replace) => {
    const given = new URLSearchParams(Object.entries(state).filter(([, text]) => text));
    const hash = `${given}` && `#${given}`;
    if (hash === location.hash) return;
    history[replace ? "replaceState" : "pushState"](null, "", location.pathname + location.search + hash);
  };

  const fill = (select, facet, left) => {
    const chosen = state[facet.name];
    const all = [...left.values()].reduce((sum, one) => sum + one, 0);
    const made = [el("option", { value: "" }, `All (${count(all)})`)];
    const done = new Set([""]);
    let open = null;
    for (const [id, label, heading] of facet.options) {
      if (done.has(id) || !(left.has(id) || id === chosen)) continue;
      done.add(id);
      if (heading && open?.label !== heading) made.push((open = el("optgroup", { label: heading })));
      const option = el("option", { value: id }, `${label} (${count(left.get(id) || 0)})`);
      if (heading) open.append(option);
      else made.push(option);
    }
    select.replaceChildren(...made);
    select.value = chosen;
    select.disabled = made.length === 1;
  };

  const line = (text, attributes = {}) => (text ? el("span", { class: "ww-finder-detail", ...attributes }, text) : "");
  const shownRow = (row) => {
    const [, outcome] = value("outcome", row);
    const [text, , , , letters, was, corrected] = value("number", row);
    const place = value("place", row);
    const inTable = Boolean(place[1]);
    const name = inTable ? `Table\u00a0${place[1].slice(1)}` : "Text";
    const study = data.studies[place[0]][0];
    const months = value("months", row);
    const about = inTable
      ? [value("service", row)[1], value("comparison", row)[1], value("arm", row)[1], months && `${months} months`]
      : [value("panel", row) && `Section: ${value("panel", row)}`];
    const printed = inTable ? ["panel", "row", "column"].map((field) => value(field, row)) : [];
    const cell = (kind, ...children) => el("td", { role: "cell", class: kind }, ...children);
    return el("tr", { role: "row" },
      el("th", { scope: "row", role: "rowheader" }, inTable ? outcome : value("row", row),
        line(about.filter(Boolean).join(" · ")), line(printed.filter(Boolean).join(" › "), { lang: "nl" })),
      cell("ww-finder-group", value("group", row)[3]),
      cell("ww-finder-kind", value("statistic", row)[1]),
      cell(was === "printed" ? "num" : "num ww-finder-none", letters ? `${text} ${letters}` : text,
        line(corrected && `read as ${corrected}`)),
      cell("ww-finder-unit", value("unit", row)[1]),
      cell("ww-finder-where",
        el("a", { href: ROOT + place[3], "aria-label": `${name}, ${study}` }, name),
        line(study)));
  };
  const showMore = () => {
    const rows = hits.slice(shown, shown + PAGE).map(shownRow);
    body.append(...rows);
    shown += rows.length;
    const rest = hits.length - shown;
    more.hidden = !rest;
    more.textContent = `Show ${Math.min(PAGE, rest)} more`;
    const found = hits.length === 1 ? "1 result" : `${count(hits.length)} results`;
    status.textContent = rest ? `${found}, ${count(shown)} shown` : found;
    return rows[0];
  };

  // Nothing fits: what each condition, left out, would bring back.
  const loosened = () => {
    const words = state.q.split(/\s+/).filter(Boolean);
    const without = (place) => words.filter((_, other) => other !== place).join(" ");
    const ways = words.map((word, place) => [`the word “${word}”`, { q: without(place) }]);
    facets.forEach((facet) => {
      const option = facet.options.find(([id]) => id === state[facet.name]);
      if (state[facet.name]) ways.push([`${facet.label}: ${option[1]}`, { [facet.name]: "" }]);
    });
    const counted = ways.map(([name, change]) => [name, change, find({ ...state, ...change }).hits.length]);
    const items = counted.filter(([, , number]) => number).map(([name, change, number]) => {
      const button = el("button", { type: "button" }, `Without ${name} (${count(number)})`);
      button.addEventListener("click", () => {
        Object.assign(state, change);
        changed();
        status.focus();
      });
      return el("li", {}, button);
    });
    const said = items.length ? "No number fits all of this. Loosen one condition:"
      : "No number fits, and leaving out one condition does not help. Try fewer words, or clear all.";
    return [el("p", {}, said), ...(items.length ? [el("ul", {}, ...items)] : [])];
  };

  const render = () => {
    const found = find(state);
    hits = found.hits;
    shown = 0;
    if (search.value !== state.q && !typing) search.value = state.q;
    facets.forEach((facet, place) => fill(selects[place], facet, found.left[place]));
    body.replaceChildren();
    empty.replaceChildren(...(hits.length ? [] : loosened()));
    table.hidden = save.hidden = !hits.length;
    clear.hidden = Object.values(state).every((text) => !text);
    save.textContent = `Download ${hits.length === 1 ? "this row" : `${count(hits.length)} rows`} (CSV)`;
    showMore();
  };
  const changed = (replace = false) => {
    if (!replace) typing = false;
    write(replace);
    render();
  };

  // The rows found as a file, with the columns of the published tables.
  const record = (row) => {
    const [study, name] = value("place", row);
    const group = value("group", row).slice(0, 3);
    const codes = ["arm", "comparison", "service", "outcome"].map((field) => value(field, row)[0]);
    const [statistic] = value("statistic", row);
    const months = value("months", row);
    const usual = [group[0], group[2], ...codes, months, statistic].filter(Boolean).join(".");
    return [
      study, name, value("key", row) || usual, value("panel", row), value("row", row), value("column", row),
      ...group, ...codes, months, statistic, value("unit", row)[0], ...value("number", row).slice(1),
    ];
  };
  const csv = (rows) =>
    [COLUMNS, ...rows.map(record)]
      .map((fields) => fields.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(","))
      .join("\n") + "\n";

  let timer = 0;
  const typed = () => {
    clearTimeout(timer);
    if (state.q === search.value.trim()) return;
    state.q = search.value.trim();
    const replace = typing;
    typing = true;
    write(replace);
    render();
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(typed, 200);
  });
  search.addEventListener("change", () => {
    typed();
    typing = false;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    typed();
  });
  selects.forEach((select, place) =>
    select.addEventListener("change", () => {
      state[facets[place].name] = select.value;
      if (facets[place].clears) state[facets[place].clears] = "";
      changed();
    }));
  clear.addEventListener("click", () => {
    state = { ...EMPTY };
    changed();
    search.focus();
  });
  more.addEventListener("click", () => showMore().querySelector("a").focus());
  save.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csv(hits)], { type: "text/csv" }));
    el("a", { href: address, download: "wat-werkt-numbers.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
  addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return; // a heading of the page
    typing = false;
    read();
    render();
  });
  if (location.hash.includes("=")) read();
  render();
})();
