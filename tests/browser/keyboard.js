/* What a walk by the Tab key meets. Installed into the page as `window.walk`; `tests/browser/keyboard.py` presses the keys. */
(() => {
  if (window.walk) return;
  const TABBABLE = "a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex], [contenteditable=true]";
  const shown = e => e.outerHTML.slice(0, 160).replace(/\s+/g, " ");
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; scroll-behavior: auto !important }");

  const visible = e => e.checkVisibility({visibilityProperty: true}) && (wide(e) || [...(e.labels ?? [])].some(wide));
  const wide = e => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height > 1; };
  const chosen = e => {  // of a group of radio buttons one is reached
    if (e.type !== "radio" || !e.name) return true;
    const group = [...(e.form ?? document).querySelectorAll("input[type=radio]")].filter(o => o.name === e.name && o.form === e.form);
    return e === (group.find(o => o.checked) ?? group[0]);
  };
  const reachable = () => {
    const modal = document.querySelector("dialog:modal");
    return [...(modal ?? document).querySelectorAll(TABBABLE)].filter(
      e => e.tabIndex >= 0 && !e.matches(":disabled") && !e.closest("[inert]") && visible(e) && chosen(e)
        && !(e.matches("summary") && e !== e.closest("details")?.querySelector("summary")));
  };

  // Where focus is shown: on the element, on what is drawn for it, on what stands around it.
  const marks = e => {
    const label = e.labels?.[0], around = [e, e.nextElementSibling, label, e.parentElement, e.parentElement?.parentElement];
    const looks = [];
    for (const one of around) {
      if (!one || one === document.body || one === document.documentElement) { looks.push(""); continue; }
      for (const pseudo of one === e ? [null, "::before", "::after"] : [null]) {
        const s = getComputedStyle(one, pseudo);
        const outline = s.outlineStyle === "none" || !parseFloat(s.outlineWidth) || /, 0\)$|^transparent$/.test(s.outlineColor)
          ? "" : `${s.outlineStyle} ${s.outlineWidth} ${s.outlineColor}`;
        looks.push(`${outline}|${s.boxShadow}|${one === e || one === label || pseudo ? s.borderColor : ""}`);
      }
    }
    return looks.join(";");
  };
  const scroller = e => {  // places are compared only where nothing scrolls or floats between them
    for (let p = e; p && p !== document.body; p = p.parentElement) {
      const s = getComputedStyle(p);
      if (["fixed", "sticky", "absolute"].includes(s.position)) return p;
      if (p !== e && /auto|scroll/.test(s.overflow)) return p;
    }
    return document.body;
  };
  const hit = (e, x, y) => {
    const top = document.elementFromPoint(x, y);
    return Boolean(top) && (e === top || e.contains(top) || top.contains(e) || [...(e.labels ?? [])].some(l => l.contains(top)));
  };
  const obscured = e => {  // WCAG 2.2, 2.4.11: something of it must show
    if (e.matches("iframe") || getComputedStyle(e).pointerEvents === "none") return false;
    const target = wide(e) ? e : [...(e.labels ?? [])].find(wide) ?? e;
    for (const box of target.getClientRects()) {
      const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
      const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
      for (const dx of [.1, .3, .5, .7, .9]) for (const dy of [.15, .5, .85])
        if (hit(e, left + (right - left) * dx, top + (bottom - top) * dy)) return false;
    }
    return true;
  };
  const outside = e => {
    const target = wide(e) ? e : [...(e.labels ?? [])].find(wide) ?? e, box = target.getBoundingClientRect();
    return box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth || !wide(target);
  };

  const walk = window.walk = {
    /* What is reached where there is little room, to be compared with what is reached where there is more. */
    remember() { this.narrow = new Set(reachable()); },
    hidden() { return [...this.narrow ?? []].filter(e => e.isConnected && !this.expected.includes(e)).length; },
    /* Without keys: each stop is given the focus, as after a key. */
    each() {
      this.met = [];
      const expected = reachable();
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
      const calm = document.activeElement;
      calm?.blur();
      this.calm = new Map(expected.map(e => [e, {marks: marks(e)}]));
      calm?.focus();
      this.ended = false;
      for (const e of expected) { e.focus(); if (document.activeElement === e) this.note(true); }
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter(s => s !== still);
      return this.shown(this.met);
    },
    begin() {
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
      document.activeElement?.blur();
      this.expected = reachable();
      this.calm = new Map(this.expected.map(e => [e, {marks: marks(e), box: e.getBoundingClientRect(), scroller: scroller(e)}]));
      this.met = [];
      this.ended = false;
      this.patience = 25;
      // Where the walk starts: before everything, wherever a click was before.
      const start = document.createElement("span");
      start.tabIndex = -1;
      (document.querySelector("dialog:modal") ?? document.body).prepend(start);
      start.focus({preventScroll: true});
      start.remove();
      scrollTo(0, 0);
      this.look = event => { if (event.key === "Tab") this.note(); };
      window.addEventListener("keydown", this.look, true);
      // The keys that are pressed inside of a frame are not heard here.
      this.left = () => { if (document.activeElement?.matches("iframe")) this.note(); };
      window.addEventListener("blur", this.left);
      return this.expected.length;
    },
    /* Looked at when the next key comes, after the page has moved to what was focused. */
    note(again = false) {
      const e = document.activeElement;
      if (!e || e === document.body || e === document.documentElement) {
        this.ended ||= this.met.length > 0 && !this.met.at(-1).e.matches("iframe");
        return;
      }
      if (this.ended) return;
      const before = this.calm.get(e), first = this.met[0]?.e;
      if (!again && e === first && (this.met.at(-1).e !== e || this.expected.length === 1)) { this.ended = true; return; }
      const other = before && marks(e) !== before.marks;
      this.met.push({e, seen: e.matches("iframe") || Boolean(other) || (!before && marks(e).split("|")[0] !== ""),
        obscured: obscured(e), outside: outside(e)});
    },
    framed() { return this.expected.some(e => e.matches("iframe")); },
    /* Where the focus is; nowhere and beside a frame, it is on its way. */
    place() {
      const e = document.activeElement, last = this.met.at(-1)?.e, next = this.expected[this.expected.indexOf(last) + 1];
      if (e && e !== document.body && e !== document.documentElement) return mark(e);
      return next && [last, next].some(one => one?.matches("iframe")) ? "" : "body";
    },
    done() {
      const now = document.activeElement, last = this.met.at(-1)?.e;
      // On its way into a frame and out again the focus is nowhere for a moment.
      if (last?.matches("iframe") && (!now || now === last || now === document.body) && --this.patience > 0) return false;
      const around = now === document.body || !now || (now === this.met[0]?.e && (last !== now || this.expected.length === 1));
      return this.ended || around || this.met.length > this.expected.length * 3 + 40;
    },
    /* Where the focus is not seen. */
    shown(stops) {
      const found = [], say = (code, e, why) => found.push({code, why, html: shown(e), path: mark(e)});
      const told = new Set();
      for (const m of stops) {
        if (told.has(m.e) || !m.e.isConnected) continue;
        told.add(m.e);
        if (!m.seen) say("focus-invisible", m.e, "looks the same with the focus and without");
        if (m.outside) say("focus-invisible", m.e, "the focus is outside of the window or has no size");
        else if (m.obscured) say("focus-obscured", m.e, "something covers it while it has the focus");
      }
      return found;
    },
    end() {
      this.note();
      window.removeEventListener("keydown", this.look, true);
      window.removeEventListener("blur", this.left);
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter(s => s !== still);
      const found = [], say = (code, e, why) => found.push({code, why, html: shown(e), path: mark(e)});
      // Staying at one place for a moment is what frames and fields of dates do, whose inner stops are not ours to see.
      const parts = "iframe, input:is([type=date], [type=time], [type=datetime-local], [type=month], [type=week]), audio, video";
      const stops = this.met.filter((m, i) => i === 0 || m.e !== this.met[i - 1].e || !m.e.matches(parts));
      const met = new Set(stops.map(m => m.e));
      const counted = new Map();
      for (const {e} of stops) counted.set(e, (counted.get(e) ?? 0) + 1);
      const trapped = [...counted].find(([e, times]) => times > 1 && e.isConnected);
      if (trapped) say("keyboard-trap", trapped[0], "Tab comes back here instead of going on");
      for (const e of this.expected)
        if (!met.has(e) && e.isConnected && visible(e) && !e.matches(":disabled")) say("keyboard-unreached", e, "Tab never comes here");
      for (const e of this.expected)
        if (e.tabIndex > 0) say("keyboard-order", e, "has a place of its own in the order of the keyboard");
      found.push(...this.shown(stops));
      const known = stops.filter(m => m.e.isConnected && this.calm.has(m.e));
      for (let i = 1; i < known.length && !trapped; i++) {
        const a = known[i - 1].e, b = known[i].e, from = this.calm.get(a), to = this.calm.get(b);
        const rtl = getComputedStyle(b).direction === "rtl";
        if (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_PRECEDING) say("keyboard-order", b, "comes after what stands behind it in the document");
        else if (from.scroller === to.scroller && from.scroller.contains(b)) {
          const over = Math.min(from.box.right, to.box.right) - Math.max(from.box.left, to.box.left) > 4;
          const beside = Math.min(from.box.bottom, to.box.bottom) - Math.max(from.box.top, to.box.top) > 4;
          if (over && to.box.bottom <= from.box.top + 1) say("keyboard-order", b, `stands above ${shown(a)}, which is reached before it`);
          if (beside && !over && (rtl ? to.box.left >= from.box.right - 1 : to.box.right <= from.box.left + 1))
            say("keyboard-order", b, `stands before ${shown(a)} in its line, which is reached before it`);
        }
      }
      return found;
    },
    /* The link over the repeated parts: the first stop, when much stands before the main part. */
    skip() {
      const first = this.met?.[0]?.e, main = document.querySelector("main, [role=main]");
      const before = main ? this.expected.filter(e => e.compareDocumentPosition(main) & Node.DOCUMENT_POSITION_FOLLOWING && !main.contains(e)) : [];
      const leads = first?.matches("a[href^='#']") && first.hash.length > 1;
      if (!leads) return {needed: before.length > 3, there: false};
      first.focus();
      return {needed: before.length > 3, there: true, target: first.hash.slice(1), html: shown(first), path: mark(first)};
    },
    skipped(id) {
      const target = document.getElementById(id), now = document.activeElement;
      return Boolean(target) && (now === target || target.contains(now));
    },
    /* Buttons that open something over the page. */
    openers() {
      return reachable().filter(e => e.matches("[aria-haspopup]:not([aria-haspopup=false], [role=combobox]), [popovertarget], summary[aria-haspopup]")
        && !e.matches("a[href]:not([href^='#'], [role=button])") && e.getAttribute("aria-expanded") !== "true").map(mark);
    },
    at(path) {
      const e = document.querySelector(path);
      e?.focus();
      return Boolean(e) && document.activeElement === e;
    },
    opened(path, drawn) { const now = this.state(path); return now.open || now.drawn > drawn; },
    state(path) {
      const e = document.querySelector(path);
      const drawn = document.querySelectorAll("dialog[open], [popover]:popover-open, [role=dialog], [role=menu], [role=tooltip], [role=listbox]");
      return {open: e?.getAttribute("aria-expanded") === "true", drawn: [...drawn].filter(o => o.checkVisibility({visibilityProperty: true})).length,
        lost: document.activeElement === document.body, html: e ? shown(e) : ""};
    },
  };
  let number = 0;
  const mark = e => {
    if (!e.dataset.walked) e.dataset.walked = ++number;
    return `[data-walked="${e.dataset.walked}"]`;
  };

  /* WCAG 2.2, 3.3.8: whoever signs in may let a program fill in and paste. */
  window.signIn = () => {
    const found = [], say = (code, e, why) => found.push({code, why, html: shown(e), path: mark(e)});
    // Other secrets, as the address of a server with its password, are kept out of what browsers fill in.
    const password = "input[type=password]:is([name*=pass i], [autocomplete*=password])";
    const secret = `${password}, input[autocomplete=one-time-code], input[name*=code i]:not([type=hidden])`;
    for (const e of document.querySelectorAll("input")) {
      if (!e.checkVisibility({visibilityProperty: true}) || e.disabled) continue;
      const given = e.autocomplete.split(" ").filter(word => word !== "webauthn").pop() ?? "";
      const within = e.form?.querySelector(password);
      if (e.matches(password) && !["current-password", "new-password"].includes(given))
        say("autocomplete", e, `a field for a password says autocomplete="${e.autocomplete}"`);
      else if (e.matches(secret) && e.type !== "password" && given !== "one-time-code")
        say("autocomplete", e, `a field for a code says autocomplete="${e.autocomplete}"`);
      else if (within && ["text", "email"].includes(e.type) && !["username", "email", "one-time-code", "name"].includes(given))
        say("autocomplete", e, `a name beside a password says autocomplete="${e.autocomplete}"`);
      if (e.matches(secret) || within) {
        const paste = new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData: new DataTransfer()});
        if (!e.dispatchEvent(paste)) say("paste", e, "refuses what is pasted");
      }
    }
    return found;
  };
})();
