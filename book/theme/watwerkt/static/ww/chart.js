/* Charts: on hover or on "Interactive", vega is loaded once, from this site, and draws the chart in place of its static
   picture. If that fails, the picture stays and the reader is told why. */
(() => {
  "use strict";
  const SCRIPT = new URL(document.currentScript.src);
  const VEGA = new URL(`vega.js${SCRIPT.search}`, SCRIPT);
  const NARROW = 600; // as the container query in site.css
  const DWELL = 250; // ms on a chart before it is taken as a wish
  // light colours of the specs, to be replaced by those of the present scheme
  const PALETTE = {
    "#1f2328": "ink", "#5b6169": "muted", "#d4d0c8": "rule", "#fffdf9": "paper", "#f5f2ea": "panel",
    "#1f5f99": "c1", "#b4530a": "c2", "#2f6f4f": "c3", "#6b4b8a": "c4", "#6f7680": "c5",
  };

  let loading = null;
  const loadVega = () =>
    (loading ??= new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: VEGA.href, onload: resolve });
      script.onerror = () => {
        loading = null;
        script.remove();
        reject(new Error("vega.js could not be loaded"));
      };
      document.head.append(script);
    }));

  const colours = (spec) => {
    const style = getComputedStyle(document.documentElement);
    const present = (hex) => {
      const name = PALETTE[hex.toLowerCase()];
      return name ? style.getPropertyValue(`--ww-${name}`).trim() : hex;
    };
    return JSON.parse(JSON.stringify(spec).replace(/#[0-9a-f]{6}\b/gi, present));
  };

  // What vega draws with its own defaults, in the present scheme; a spec's own config wins.
  const CONFIG = {
    background: "transparent", font: "Source Sans 3, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    view: { stroke: null }, style: { "guide-label": { fill: "#1f2328" }, "guide-title": { fill: "#1f2328" } },
    title: { color: "#1f2328" }, text: { fill: "#1f2328" }, rule: { stroke: "#1f2328" },
    axis: { domainColor: "#d4d0c8", gridColor: "#d4d0c8", tickColor: "#d4d0c8" },
    header: { labelColor: "#1f2328", titleColor: "#1f2328" },
  };

  class Chart {
    constructor(element) {
      this.element = element;
      this.box = element.closest("figure") ?? element;
      this.live = element.querySelector(".ww-live");
      this.button = element.querySelector(".ww-explore");
      this.status = Object.assign(document.createElement("p"), { className: "ww-status" });
      this.status.setAttribute("role", "status");
      this.button.closest(".ww-tools").after(this.status);
      this.button.setAttribute("aria-pressed", "false");
      this.button.addEventListener("click", () => (this.view ? this.stop() : this.start()));
      if (matchMedia("(hover: hover)").matches) this.startOnHover();
      this.turn = 0;
      new ResizeObserver(() => this.size() !== this.drawn && this.redraw()).observe(this.box);
    }

    startOnHover() {
      let timer;
      this.element.addEventListener("pointerenter", () => {
        timer = setTimeout(() => !this.view && !this.stopped && location.protocol !== "file:" && this.start(), DWELL);
      });
      this.element.addEventListener("pointerleave", () => clearTimeout(timer));
    }

    size() {
      return this.box.clientWidth < NARROW ? "narrow" : "wide";
    }

    async start() {
      if (location.protocol === "file:") {
        this.say("Interactive charts need a web server: this copy of the page was opened from a file.");
        return;
      }
      this.button.disabled = true;
      try {
        const [specs] = await Promise.all([this.specs ?? this.load(), loadVega()]);
        this.specs = specs;
        await this.draw();
        this.say("");
      } catch (error) {
        this.fail(error);
      } finally {
        this.button.disabled = false;
      }
    }

    redraw() {
      if (this.view) this.draw().catch((error) => this.fail(error));
    }

    fail(error) {
      this.stop();
      this.say(`The interactive chart could not be shown (${error.message}). The picture stays.`);
    }

    async load() {
      const answer = await fetch(this.element.dataset.spec);
      if (!answer.ok) throw new Error(`${answer.status} for the chart's data`);
      return answer.json();
    }

    async draw() {
      const turn = ++this.turn;
      const size = (this.drawn = this.size());
      const picture = this.element.querySelector(`.ww-static.ww-${size}`);
      const stage = document.createElement("div");
      const { config, ...spec } = this.specs[size];
      const result = await window.vegaEmbed(stage, colours({ ...spec, config: { ...config, background: "transparent" } }), {
        renderer: "svg", actions: false, defaultStyle: false, config: colours(CONFIG),
        tooltip: { disableDefaultStyle: true, theme: "ww" },
      });
      if (turn !== this.turn) return result.finalize(); // stopped or drawn anew meanwhile
      this.view?.finalize();
      this.view = result;
      this.live.setAttribute("role", "img");
      this.live.setAttribute("aria-label", picture.getAttribute("aria-label"));
      this.live.replaceChildren(stage);
      this.live.hidden = false;
      this.element.classList.add("is-live");
      this.button.setAttribute("aria-pressed", "true");
    }

    stop() {
      this.stopped = true; // the reader chose the picture: hovering does not start it again
      this.turn++;
      this.view?.finalize();
      this.view = null;
      this.live.replaceChildren();
      this.live.hidden = true;
      this.element.classList.remove("is-live");
      this.button.setAttribute("aria-pressed", "false");
    }

    say(text) {
      this.status.textContent = text;
    }
  }

  const charts = [...document.querySelectorAll(".ww-chart[data-spec]")].map((element) => new Chart(element));
  const recolour = () => charts.forEach((chart) => chart.redraw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
