// guiado's widget: shows the wizard in a frame on another site.
// It stores nothing, and asks the service for nothing before it is opened. The page with the attributes: docs/widget.md.
(() => {
  "use strict";

  const BRAND = { color: "#0b6b5b", name: "" }; // the service writes its own brand here
  const WORDS = {
    es: ["Ayuda", "Cerrar la ayuda", "Abrir la ayuda en otra pestaña"],
    en: ["Help", "Close help", "Open help in another tab"],
    pt: ["Ajuda", "Fechar a ajuda", "Abrir a ajuda em outra aba"],
  };
  const STYLE = `
    :host { all: initial !important; display: block !important; }
    :host(:not([inline])) { position: fixed !important; z-index: 2147483000 !important; }
    * { box-sizing: border-box; font: 600 16px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
    button { display: inline-flex; align-items: center; justify-content: center; gap: 10px; min-width: 44px; min-height: 44px;
      margin: 0; border: 2px solid transparent; background: var(--color); color: var(--on); cursor: pointer; }
    button:focus-visible, a:focus-visible { outline: 3px solid #fff; outline-offset: 0; box-shadow: 0 0 0 6px #14181c; }
    button:hover { filter: brightness(.92); }
    svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 2;
      stroke-linecap: round; stroke-linejoin: round; }
    .launch { position: fixed; bottom: max(16px, env(safe-area-inset-bottom));
      right: max(16px, env(safe-area-inset-right)); max-width: calc(100vw - 32px); min-height: 52px; padding: 0 20px;
      border-radius: 26px; }
    .launch:not(:focus-visible) { box-shadow: 0 4px 18px #0005; }
    .left .launch { right: auto; left: max(16px, env(safe-area-inset-left)); }
    [hidden] { display: none !important; }
    dialog { position: fixed; inset: auto 16px 84px auto; width: min(420px, calc(100vw - 32px));
      height: min(700px, calc(100vh - 104px)); max-width: none; max-height: none; margin: 0; padding: 0; flex-direction: column;
      overflow: hidden; border: 1px solid #8886; border-radius: 16px; background: #faf9f6; box-shadow: 0 12px 48px #0005; }
    .left dialog { inset: auto auto 84px 16px; }
    dialog[open] { display: flex; }
    dialog::backdrop { background: #0008; }
    .bar { position: relative; display: flex; flex: none; align-items: center; justify-content: space-between; padding: 2px 4px 2px 16px;
      background: var(--color); color: var(--on); }
    .busy .bar::after { content: ""; position: absolute; inset: auto 0 0; height: 4px; background: var(--on); opacity: .5; }
    .bar span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .bar button { border-radius: 12px; }
    iframe { display: block; flex: 1; width: 100%; min-height: 0; border: 0; }
    .inline iframe { height: 480px; }
    a { display: inline-flex; align-items: center; justify-content: center; min-height: 44px; margin: 16px; padding: 8px 18px; border-radius: 12px;
      background: var(--color); color: var(--on); text-decoration: none; }
    @media (max-width: 640px), (max-height: 480px) {
      .panel dialog { inset: 0; width: 100%; height: 100%; border: 0; border-radius: 0; }
    }
    @media (prefers-color-scheme: dark) { dialog { background: #12171c; } }
    @media (prefers-reduced-motion: no-preference) {
      dialog[open] { animation: rise .16s ease-out; }
      .busy .bar::after { transform-origin: left; animation: wait 1.6s ease-in-out infinite; }
      @keyframes wait { from { transform: scaleX(0); } }
      @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
    }
    @media (forced-colors: active) {
      button, dialog { border: 2px solid ButtonText; }
      button:focus-visible, a:focus-visible { outline-color: Highlight; }
    }
    @media print { .panel { display: none; } }`;
  const SHAPES = {
    help: ["M21 11.5a8.5 8.5 0 0 1-12.4 7.6L3 21l1.9-5.6A8.5 8.5 0 1 1 21 11.5z", "M9.6 9.3a2.5 2.5 0 0 1 4.8.8c0 1.7-2.4 2.3-2.4 2.3", "M12 15.4h.01"],
    close: ["M18 6 6 18", "m6 6 12 12"],
  };
  const PHONE = "(max-width: 640px), (max-height: 480px)";
  const LOADED_MS = 1_500;
  const LONGEST_MS = 15_000;

  const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
  const given = { ...script.dataset };
  const url = new URL(script.src);
  const base = url.origin + url.pathname.replace(/\/(static\/)?widget\.js$/, "");
  const language = [given.language, document.documentElement.lang, navigator.language]
    .map((each) => (each || "").slice(0, 2).toLowerCase())
    .find((each) => each in WORDS) || "es";
  const [help, closing, elsewhere] = WORDS[language];
  const label = given.label || help;
  const title = BRAND.name ? `${label} · ${BRAND.name}` : label;
  const isInline = given.mode === "inline";

  let root, box, button, dialog, frame, link;
  let color = "";
  let isReady = false;
  let timer = 0;
  let opener = null;
  let last = "";

  function make(tag, values, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function draw(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const shape of SHAPES[name]) {
      const path = document.createElementNS(svg.namespaceURI, "path");
      path.setAttribute("d", shape);
      svg.append(path);
    }
    return svg;
  }

  // A shadow root, so that neither page changes how the other looks; style sheets made by a script pass a strict policy.
  function dress() {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      const sheet = make("style", {}, STYLE);
      sheet.nonce = script.nonce;
      root.append(sheet);
    }
  }

  // Black or white on the colour, whichever is easier to read (WCAG 2.2, relative luminance).
  function paint() {
    box.style.setProperty("--color", CSS.supports("color", given.color || "-") ? given.color : BRAND.color);
    const probe = button || box;
    probe.style.backgroundColor = "var(--color)";
    const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(getComputedStyle(probe).backgroundColor);
    probe.style.backgroundColor = "";
    const rgb = parts ? parts.slice(1).map(Number) : [0, 0, 0];
    const [red, green, blue] = rgb.map((each) => (each > 10 ? ((each / 255 + 0.055) / 1.055) ** 2.4 : each / 3295));
    const isLight = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
    box.style.setProperty("--on", isLight ? "#000" : "#fff");
    if (given.color && parts) color = rgb.map((each) => each.toString(16).padStart(2, "0")).join("");
  }

  function address(isFramed) {
    const wanted = { idioma: language, problema: given.problem, palabras: given.words, marco: isFramed && "1", color };
    return `${base}/ayuda?${new URLSearchParams(Object.entries(wanted).filter(([, value]) => value))}`;
  }

  function load() {
    isReady = false;
    last = "";
    box.classList.add("busy");
    frame.src = address(true);
    link.href = address(false);
    wait(LONGEST_MS);
  }

  function wait(ms) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      console.warn(`guiado: ${base} no se deja mostrar en ${location.origin}. Revisa allí GUIADO_ALLOWED_ORIGINS.`);
      show(false);
    }, ms);
  }

  function show(isFrame) {
    box.classList.remove("busy");
    const isHere = root.activeElement === frame;
    frame.hidden = !isFrame;
    link.hidden = isFrame;
    if (!isFrame && isHere) link.focus();
  }

  function say(message) {
    frame.contentWindow.postMessage(message, url.origin);
  }

  function tell(name, reference) {
    document.dispatchEvent(new CustomEvent(`guiado:${name}`, { detail: reference ? { reference } : {} }));
  }

  function hear({ source, origin, data }) {
    if (source !== frame.contentWindow || origin !== url.origin || typeof data?.guiado !== "string") return;
    const kind = data.guiado;
    if (kind === "ready") welcome();
    else if (kind === "height") {
      if (isInline && data.height > 0) frame.style.height = `${Math.min(data.height, 30_000)}px`;
    } else if (kind === "escape") close();
    else follow(kind, data);
  }

  function welcome() {
    clearTimeout(timer);
    show(true);
    const isHere = !isReady && root.activeElement === frame;
    if (isHere) {
      frame.blur(); // the focus went to the empty page that was there before
      frame.focus();
    }
    say({ guiado: "hello", customer: given.customer, color, isHere });
    if (isInline && !isReady) tell("opened");
    isReady = true;
  }

  function follow(state, { reference, why }) {
    const now = `${state} ${reference}`;
    if (now === last) return;
    if (isInline && last && box.getBoundingClientRect().top < 0) box.scrollIntoView();
    last = now;
    if (state === "solved" || state === "handed") tell(state, reference);
    if (state === "unsigned") console.warn(`guiado: data-customer no sirve. ${why}`);
  }

  function open(preset) {
    if (preset) Object.assign(given, preset);
    if (preset || !frame.src) load();
    if (isInline) {
      box.scrollIntoView();
    } else if (!dialog.open) {
      opener = document.activeElement;
      if (matchMedia(PHONE).matches) dialog.showModal();
      else dialog.show();
      button.setAttribute("aria-expanded", "true");
      if (isReady) say({ guiado: "shown" });
      tell("opened");
    }
    (frame.hidden ? link : frame).focus();
  }

  function close() {
    if (!dialog?.open) return;
    const isHere = root.activeElement !== null;
    dialog.close();
    button.setAttribute("aria-expanded", "false");
    if (isReady) say({ guiado: "hidden" });
    if (isHere) (opener?.isConnected && opener !== root.host && opener !== document.body ? opener : button).focus();
    tell("closed");
  }

  function assemble() {
    frame = make("iframe", { title, allow: "clipboard-write", referrerpolicy: "no-referrer" });
    frame.addEventListener("load", () => {
      if (frame.src && !isReady) wait(LOADED_MS);
    });
    link = make("a", { target: "_blank", rel: "noopener", hidden: "" }, elsewhere);
    addEventListener("message", hear);
    if (isInline) {
      box.append(frame, link);
      return;
    }
    button = make("button", { type: "button", class: "launch", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": "help" }, draw("help"), label);
    button.hidden = given.mode === "api";
    const cross = make("button", { type: "button", "aria-label": closing }, draw("close"));
    dialog = make("dialog", { id: "help", "aria-label": title }, make("div", { class: "bar" }, make("span", {}, title), cross), frame, link);
    button.addEventListener("click", () => (dialog.open ? close() : open()));
    cross.addEventListener("click", close);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
    box.append(button, dialog);
  }

  function build() {
    const place = isInline ? document.querySelector(given.target || "#guiado") : document.body;
    if (!place) {
      console.warn(`guiado: no está ${given.target || "#guiado"} en la página.`);
      return;
    }
    const host = document.createElement("guiado-widget");
    root = host.attachShadow({ mode: "open" });
    host.toggleAttribute("inline", isInline);
    const side = given.position === "left" ? " left" : "";
    box = make("div", { lang: language, class: isInline ? "inline" : `panel${side}` });
    root.append(box);
    dress();
    assemble();
    place.append(host);
    paint();
    if (isInline) load();
  }

  const built = new Promise((done) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done);
    else done();
  }).then(build);

  window.guiado = {
    open: (preset) => built.then(() => frame && open(preset)),
    close: () => built.then(() => frame && close()),
    on(name, listener) {
      const heard = (event) => listener(event.detail);
      document.addEventListener(`guiado:${name}`, heard);
      return () => document.removeEventListener(`guiado:${name}`, heard);
    },
  };
})();
