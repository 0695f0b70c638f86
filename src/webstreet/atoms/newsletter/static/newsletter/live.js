// Keeps parts of a page current: asks every second while something moves, more and more rarely while nothing does, not at all while the
// page is hidden or the part says that it is settled. Without it the page shows the state of its loading.
(() => {
  if (window.newsletterIsLive) return;
  window.newsletterIsLive = true;
  const FIRST = 1000, SLOWEST = 15000;
  const CONTROLS = "a[href], button, input, select, textarea, summary";
  const named = (e) => [e.tagName, e.getAttribute("href"), e.name, e.value, e.textContent.trim()].join("|");
  const ticked = (region) => [...region.querySelectorAll("input")].some((e) => e.checked !== e.defaultChecked);
  // Whoever is there by keyboard stays at the same control, or at the part when it is gone.
  const draw = (region, fresh) => {
    const at = region.contains(document.activeElement) ? named(document.activeElement) : null;
    region.dataset.shown = fresh;
    region.innerHTML = fresh;
    if (at === null) return;
    const same = [...region.querySelectorAll(CONTROLS)].find((e) => named(e) === at);
    if (!same) region.tabIndex = -1;
    (same ?? region).focus({ preventScroll: true });
  };
  const keep = (region) => {
    let pause = FIRST, timer = 0;
    const settled = () => region.querySelector("[data-settled]") !== null;
    const plan = () => { clearTimeout(timer); if (!settled() && !document.hidden) timer = setTimeout(look, pause); };
    const look = async () => {
      try {
        const answer = await fetch(region.dataset.liveUrl, { credentials: "same-origin", cache: "no-store" });
        if (answer.ok && !answer.redirected) {
          const fresh = await answer.text();
          if (fresh !== region.dataset.shown) {
            // What is being pressed must not move away, nor what was ticked be lost; what is new is drawn a later time.
            if (!region.querySelector(":active") && !ticked(region)) draw(region, fresh);
            pause = FIRST;
          } else pause = Math.min(pause * 1.5, SLOWEST);
        } else pause = SLOWEST;
      } catch { pause = SLOWEST; }
      plan();
    };
    document.addEventListener("visibilitychange", () => { pause = FIRST; if (!document.hidden && !settled()) look(); });
    plan();
  };
  const begin = () => document.querySelectorAll("[data-live-url]").forEach(keep);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
})();
