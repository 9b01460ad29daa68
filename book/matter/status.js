// Adds to the table of pages what differs from build to build: run times, and what was executed or reused.
(async () => {
  const table = document.querySelector("article table");
  if (!table || location.protocol === "file:") return;
  const answer = await fetch("data/build.json").catch(() => null);
  if (!answer || !answer.ok) return;
  const build = await answer.json();
  const runs = new Map(build.pages.map((page) => [`${page.name}.html`, page]));
  const add = (row, kind, text) => {
    const cell = row.appendChild(document.createElement(kind));
    if (kind === "th") cell.scope = "col";
    cell.textContent = text;
  };
  for (const row of table.rows) {
    const link = row.querySelector("a");
    const run = link && runs.get(link.getAttribute("href").split("#")[0]);
    const heading = row.parentElement.tagName === "THEAD";
    add(row, heading ? "th" : "td", heading ? "Run time" : run ? `${run.seconds.toFixed(2)} s` : "");
    add(row, heading ? "th" : "td", heading ? "Last build" : run ? (run.reused ? "reused" : "executed") : "");
  }
  const {executed, reused, pages} = build.totals;
  const seconds = Object.values(build.seconds).reduce((sum, one) => sum + one, 0);
  const told = document.getElementById("ww-last-build");
  told.textContent =
    `The last build took ${seconds.toFixed(1)} s: ${executed} pages executed, ${reused} reused, ` +
    `${pages} pages in all, ${build.warnings} warnings (Python ${build.python}).`;
  told.hidden = false;
})();
