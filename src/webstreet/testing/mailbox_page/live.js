"use strict";
// New mails appear by themselves, but never under a pointer that is about to click: then a button offers them.
const list = document.querySelector(".list ol");
const fresh = document.querySelector(".fresh");
const find = document.getElementById("find");
const live = document.querySelector(".live");
let waiting = [];

function matches(item) {
  const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const text = item.textContent.toLowerCase();
  return words.every((word) => text.includes(word));
}

function filter() {
  let shown = 0;
  for (const item of list.children) {
    item.hidden = !matches(item);
    if (!item.hidden) shown += 1;
  }
  document.querySelector(".nomatch").hidden = shown > 0 || list.children.length === 0;
}

function show() {
  for (const markup of waiting) {
    list.insertAdjacentHTML("afterbegin", markup);
    const item = list.firstElementChild;
    item.hidden = !matches(item);
    item.classList.add("new");
    setTimeout(() => item.classList.remove("new"), 1500);
  }
  waiting = [];
  fresh.hidden = true;
  document.body.classList.remove("empty");
}

function listen() {
  const source = new EventSource("/events?after=" + document.body.dataset.newest);
  source.onopen = () => live.classList.add("on");
  source.onerror = () => live.classList.remove("on");
  source.onmessage = (event) => {
    const mail = JSON.parse(event.data);
    waiting.push(mail.row);
    document.querySelector(".count").textContent = mail.count === 1 ? "1 mail" : `${mail.count} mails`;
    const busy = list.matches(":hover") || document.querySelector(".list").scrollTop > 40;
    if (!busy) return show();
    fresh.textContent = waiting.length === 1 ? "Show 1 new mail" : `Show ${waiting.length} new mails`;
    fresh.hidden = false;
  };
}

function fitFrame(frame) {
  const fit = () => {
    const page = frame.contentDocument;
    if (page && page.documentElement) frame.style.height = page.documentElement.scrollHeight + "px";
  };
  frame.addEventListener("load", fit);
  addEventListener("resize", fit);
  fit();
}

function move(step) {
  const items = [...list.querySelectorAll("li:not([hidden]) a")];
  const here = items.findIndex((link) => link === document.activeElement || link.hasAttribute("aria-current"));
  const next = items[Math.max(0, Math.min(items.length - 1, here + step))];
  if (next) location.href = next.href;
}

find.addEventListener("input", filter);
fresh.addEventListener("click", show);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === find) {
    if (event.key === "Escape") { find.value = ""; filter(); find.blur(); }
    return;
  }
  if (event.key === "/") { event.preventDefault(); find.focus(); }
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
});
document.querySelectorAll("iframe").forEach(fitFrame);
const current = list.querySelector("[aria-current]");
if (current) current.scrollIntoView({ block: "nearest" });
listen();
