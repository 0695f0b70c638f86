// Keeps parts of a page current: asks every second while something moves, more and more rarely while nothing does, not at all while the
// page is hidden or the part says that it is settled. Without it the page shows the state of its loading.
(() => {
  if (window.newsletterIsLive) return;
  window.newsletterIsLive = true;
  const FIRST = 1000, SLOWEST = 15000;
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
            region.dataset.shown = fresh;
            // Whoever is about to press a button in there must not have it move away.
            if (!region.contains(document.activeElement) || document.activeElement === document.body) region.innerHTML = fresh;
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
