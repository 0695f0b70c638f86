// Makes the list of subscribers quick by keyboard: "/" goes to the search, "j" and "k" to the next and previous row. Chooses all rows of
// the page at once. Without it everything still works.
(() => {
  const links = [...document.querySelectorAll("[data-row]")];
  const all = document.querySelector("[data-choose-page]");
  const boxes = [...document.querySelectorAll("input[name='id']")];
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "/") {
      const search = document.getElementById("nl-q");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "j" || event.key === "k") {
      const now = links.indexOf(document.activeElement);
      const next = links[now < 0 ? 0 : Math.min(links.length - 1, Math.max(0, now + (event.key === "j" ? 1 : -1)))];
      if (next) next.focus();
    }
  });
})();
