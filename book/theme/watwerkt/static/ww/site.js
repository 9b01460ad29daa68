/* Behaviour of every page: colour scheme, drawers, wide tables, copying, search shortcut, place in the contents.
   The page is complete without it. */
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Colours: as the system, light, dark. The choice is kept in this browser only.
  const SCHEMES = ["auto", "light", "dark"];
  const NAMES = { auto: "as the system", light: "light", dark: "dark" };
  const scheme = () => root.dataset.theme || "auto";
  const button = document.querySelector(".ww-scheme");
  const showScheme = () => {
    button.setAttribute("aria-label", `Colours: ${NAMES[scheme()]}`);
    button.title = button.getAttribute("aria-label");
  };
  button?.addEventListener("click", () => {
    const next = SCHEMES[(SCHEMES.indexOf(scheme()) + 1) % SCHEMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("ww-scheme");
      else localStorage.setItem("ww-scheme", next);
    } catch {
      // storage may be switched off; the choice then lasts for this page
    }
    showScheme();
  });
  if (button) showScheme();

  // Drawers are native popovers; close them when the focus leaves, after a jump, and when the screen grows.
  for (const drawer of all("[popover]")) {
    const close = () => drawer.matches(":popover-open") && drawer.hidePopover();
    drawer.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !drawer.contains(event.relatedTarget)) close();
    });
    drawer.addEventListener("click", (event) => event.target.closest("a") && close());
    for (const width of ["62em", "80em"]) matchMedia(`(min-width: ${width})`).addEventListener("change", close);
  }
  const current = document.querySelector(".ww-sidebar [aria-current]");
  const sidebar = document.querySelector(".ww-sidebar");
  if (current && sidebar && current.offsetTop > sidebar.clientHeight * 0.8) {
    sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 2;
  }

  // Regions that scroll sideways say so and can be reached by keyboard; those that do not are left out of the way.
  const regions = all(".ww-table-wrap, .pst-scrollable-table-container, .ww-formula, div.highlight pre");
  const watchWidth = (region) => {
    const wide = region.scrollWidth > region.clientWidth + 1;
    region.classList.toggle("ww-scrolls", wide);
    if (wide) {
      region.tabIndex = 0;
      region.setAttribute("role", "region");
      if (!region.hasAttribute("aria-label")) region.setAttribute("aria-label", labelOf(region));
    } else {
      region.removeAttribute("tabindex");
      region.removeAttribute("role");
      if (region.dataset.label) region.removeAttribute("aria-label");
    }
  };
  const labelOf = (region) => {
    region.dataset.label = region.matches("pre") ? "Code" : region.matches(".ww-formula") ? "Formula" : "Table";
    return region.dataset.label;
  };
  const observer = new ResizeObserver((entries) => entries.forEach((entry) => watchWidth(entry.target)));
  regions.forEach((region) => observer.observe(region));

  // Copying works without network, and where the clipboard is not allowed (a page opened from a file).
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const trigger of all(".ww-copy")) {
    const label = trigger.textContent;
    trigger.setAttribute("aria-live", "polite");
    trigger.addEventListener("click", async () => {
      await copy(document.getElementById(trigger.dataset.copy).textContent.trim());
      trigger.textContent = "Copied";
      setTimeout(() => (trigger.textContent = label), 2000);
    });
  }

  // "/" and Ctrl+K go to the search field, as readers of other books expect.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const wanted = (event.key === "/" && !typing) || ((event.ctrlKey || event.metaKey) && event.key === "k");
    const field = all('input[name="q"]').find((input) => input.offsetParent);
    if (wanted && field && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });

  // Mark the section that is being read.
  const links = new Map(all(".ww-rail a").map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const sections = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    const passed = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    const now = passed.length ? links.get(passed.at(-1).id) : null;
    for (const link of links.values()) {
      if (link === now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  if (sections.length) {
    new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px", threshold: [0, 1] }).observe(sections[0]);
    const watcher = new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px" });
    sections.forEach((section) => watcher.observe(section));
    mark();
  }
})();
