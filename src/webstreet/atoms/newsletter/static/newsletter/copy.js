// Copies what a button names. Without it, or where the browser forbids it, the text can be selected.
(() => {
  if (!navigator.clipboard) return;
  const show = () => document.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try { await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent); } catch { return; }
    const said = button.firstChild, before = said.data;
    if (before === button.dataset.done) return;
    said.data = button.dataset.done;
    setTimeout(() => { said.data = before; }, 2000);
  });
  // The live part is drawn anew.
  new MutationObserver(show).observe(document.querySelector("[data-live-url]"), { childList: true });
  show();
})();
