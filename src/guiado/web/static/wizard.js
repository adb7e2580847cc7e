// The wizard's page with a script: only what changes is swapped (htmx). Without it every form works by itself.
"use strict";

const root = document.documentElement;
root.classList.add("js");
const isFramed = window.parent !== window;
if (isFramed) root.classList.add("framed");

const live = document.createElement("p");
live.className = "unseen";
live.setAttribute("role", "status");

const LONGEST_WAIT_MS = 30_000;
let active = 0;
let since = document.hidden ? 0 : performance.now();

function secondsOnScreen() {
  return Math.round((active + (since ? performance.now() - since : 0)) / 1000);
}

function rest() {
  if (since) active += performance.now() - since;
  since = 0;
}

function resume() {
  if (!since) since = performance.now();
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : resume()));

// What a browser may refuse to keep (private windows, frames) is kept for this page only.
const marks = {
  get(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set(name, on) {
    try {
      if (on) sessionStorage.setItem(name, "1");
      else sessionStorage.removeItem(name);
    } catch {
      // The box stays ticked on the page that is shown.
    }
  },
};

function prepare(main) {
  active = 0;
  since = document.hidden ? 0 : performance.now();
  for (const box of main.querySelectorAll("[data-check]")) box.checked = marks.get(box.dataset.check) !== null;
  for (const form of main.querySelectorAll("form")) form.classList.remove("sent");
  if (isFramed) frame.show(main);
}

// In the frame of another site (widget.js): what is said goes to the page around it, once that has said that it is an allowed one.
const frame = {
  host: "",
  customer: "",
  grown: new ResizeObserver(([seen]) => frame.tell({ guiado: "height", height: Math.ceil(seen.borderBoxSize[0].blockSize) })),

  tell(message) {
    if (this.host) window.parent.postMessage(message, this.host);
  },

  show(main) {
    this.sign(main);
    this.grown.disconnect();
    this.grown.observe(main);
    const { state, reference, why } = main.dataset;
    if (state) this.tell({ guiado: state, reference, why });
  },

  // Who the customer is, as the page around signed it, never stands in an address.
  sign(main) {
    for (const form of this.customer ? main.querySelectorAll("form[data-start]") : []) {
      const field = form.elements.customer_token || document.createElement("input");
      Object.assign(field, { type: "hidden", name: "customer_token", value: this.customer });
      form.append(field);
    }
  },

  hear({ source, origin, data }) {
    const allowed = [location.origin, ...(document.body.dataset.origins || "").split(" ")];
    if (source !== window.parent || !allowed.includes(origin)) return;
    if (data?.guiado === "hidden") rest();
    if (data?.guiado === "shown") resume();
    if (data?.guiado !== "hello") return;
    this.host = origin;
    this.customer = typeof data.customer === "string" ? data.customer : "";
    if (/^[0-9a-f]{6}$/.test(data.color)) this.paint(data.color);
    const main = document.getElementById("main");
    if (data.isHere) toHeading(main);
    this.show(main);
  },

  paint(color) {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = `${document.body.dataset.brand}?color=${color}`;
    if (document.querySelector(`link[href$="?color=${color}"]`)) return;
    document.head.append(sheet);
  },
};

if (isFramed) {
  window.addEventListener("message", (event) => frame.hear(event));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) frame.tell({ guiado: "escape" });
  });
}

// To the heading goes whoever reads on from here with a screen reader or the Tab key.
function toHeading(main) {
  const heading = main.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  return heading;
}

function tell(words) {
  live.textContent = "";
  requestAnimationFrame(() => {
    live.textContent = words;
  });
}

function showTrouble(words) {
  let notice = document.getElementById("offline");
  if (!notice) {
    notice = document.createElement("div");
    notice.id = "offline";
    notice.className = "notice trouble";
    notice.setAttribute("role", "alert");
    document.getElementById("main").prepend(notice);
  }
  notice.textContent = words;
  notice.scrollIntoView({ block: "nearest" });
}

document.addEventListener("change", (event) => {
  const box = event.target.closest("[data-check]");
  if (box) marks.set(box.dataset.check, box.checked);
});

// Twice pressed is once sent; without htmx the browser leaves the page, so that nothing is to be undone.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const seconds = form.querySelector("[name=active_seconds]");
    if (seconds) seconds.value = String(secondsOnScreen());
    if (form.classList.contains("sent")) {
      event.preventDefault();
      event.stopPropagation();
    }
    else {
      form.classList.add("sent");
      setTimeout(() => form.classList.remove("sent"), LONGEST_WAIT_MS);
    }
  },
  true,
);

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-print], [data-copy], [data-select]");
  if (!target) return;
  if ("print" in target.dataset) window.print();
  if ("select" in target.dataset) target.select();
  if (target.dataset.copy) {
    const field = document.querySelector(target.dataset.copy);
    field.select();
    navigator.clipboard?.writeText(field.value).then(() => tell(target.dataset.copied));
  }
});

document.addEventListener("htmx:afterSwap", () => {
  const main = document.getElementById("main");
  prepare(main);
  const heading = toHeading(main);
  const place = main.querySelector(".way strong");
  if (heading) tell(place ? `${place.textContent}: ${heading.textContent}` : heading.textContent);
  window.scrollTo(0, 0);
});

function stay(words) {
  for (const form of document.querySelectorAll("form.sent")) form.classList.remove("sent");
  showTrouble(words);
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:swapError"]) {
  document.addEventListener(name, () => stay(document.body.dataset.offline));
}

// What passes (too fast, out of order) leaves the page with what was written in it; so does what is none of our pages.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const main = new DOMParser().parseFromString(xhr.responseText, "text/html").getElementById("main");
  if (main && xhr.status !== 429 && xhr.status < 500) return;
  event.detail.shouldSwap = false;
  const said = main ? [...main.querySelectorAll("h1, .lead")].map((each) => each.textContent.trim()) : [];
  stay(said.join(" ") || document.body.dataset.offline);
});

// A page from the browser's own store, or one whose sending was stopped, can be sent again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form.sent")) form.classList.remove("sent");
});

document.body.append(live);
prepare(document.getElementById("main"));
// Nothing is said but that it is there: who else could hear it is not let around this page (frame-ancestors).
if (isFramed) window.parent.postMessage({ guiado: "ready" }, "*");
