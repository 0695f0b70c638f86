// Keyboard in lists (j, k, Enter), and live parts that stop while nobody looks. "/" is unfold's own in its lists, ours elsewhere.
document.addEventListener("keydown", (event) => {
  const field = document.querySelector(".ws-find #searchbar");
  if (event.key !== "/" || !field || event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  field.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
  const rows = [...document.querySelectorAll("#result_list tbody tr")].filter((row) => row.querySelector("a"));
  if (!rows.length || !["j", "k", "Enter"].includes(event.key)) return;
  const at = rows.findIndex((row) => row.classList.contains("ws-at"));
  if (event.key === "Enter") {
    if (at >= 0 && !event.target.closest("a, button")) rows[at].querySelector("th a, td a").click();
    return;
  }
  const next = Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)));
  rows.forEach((row, number) => row.classList.toggle("ws-at", number === next));
  rows[next].scrollIntoView({ block: "nearest" });
});

// An unanswered live part asks less and less often, and not at all in a hidden tab.
document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target.closest("[data-live]");
  if (!part) return;
  const selecting = !window.getSelection().isCollapsed && part.contains(window.getSelection().anchorNode);
  if (document.hidden || part.contains(document.activeElement) || selecting) event.preventDefault();
});
