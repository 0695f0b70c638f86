"""What every page must be, at every width, in both colour schemes: valid, accessible, no wider than the screen, quiet on the console,
made of nothing from another machine, and usable by keyboard alone (`tests.browser.keyboard`).

``check_page(page, url)`` opens an address and fails with everything that is wrong there, by name; ``check_page(page)`` looks at what the
page shows already, as after a form was sent: for that the page is one of `watched`. An address that leads on to another is not looked at:
name the other. Set SCREENSHOTS to a folder to keep a picture of each look.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit
from weakref import WeakKeyDictionary

from axe_core_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, Request, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import keyboard, markup

WIDTHS = (360, 768, 1440)
SCHEMES = ("light", "dark")
HEIGHT = 900
HERE = {"127.0.0.1", "localhost", "::1"}
SCREENSHOTS = "SCREENSHOTS"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_RUN = "rules => axe.run(document, {resultTypes: ['violations'], runOnly: rules}).then(found => found.violations)"
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe that another colour scheme can break; all others are asked for once in the dark, and at every width in the light."""
TARGET_PX = 24


@dataclass(frozen=True, slots=True)
class Known:
    """A fault of markup that is not ours, and why it stays.

    Attributes:
        rule: the fault's name: an axe rule, ``target-size``, a code of `tests.browser.keyboard`, or an ``html-...`` code.
        where: for html codes a part of the fault's text; for the others a CSS selector that the element or one around it matches.
        reason: whose it is, and why that is bearable.
        always: whether it is there whenever such a page is looked at; not if it depends on how quick the page's scripts are.
    """

    rule: str
    where: str
    reason: str
    always: bool = True


_met: set[Known] = set()


def needless(known: Iterable[Known]) -> list[Known]:
    """Excuses that should have excused something and did not, on any page that was looked at so far."""
    return [one for one in known if one.always and one not in _met]


WAGTAIL: tuple[Known, ...] = (
    Known(
        "html-content",
        'inside <button class="w-drilldown__toggle"',
        "a block in a filter's button: browsers show it as meant",
    ),
    Known(
        "focus-obscured",
        ".sidebar-nav-toggle",
        "the narrow window's button is behind the sidebar, until a script has folded that",
        always=False,
    ),
    Known("html-content", 'inside <label class="form-side__resize-grip"', "the same, in the grip of the side panel"),
)
"""Faults of Wagtail 8.0's own admin markup."""
WAY = Known("target-size", "header a", "the parts of the way to a list or an object stand close together when narrow")
LISTING: tuple[Known, ...] = (
    *WAGTAIL,
    Known("link-in-text-block", "main p a", "the link of a list in which nothing is yet is told by its colour alone"),
    WAY,
)
"""The same, of its lists."""
EDITOR: tuple[Known, ...] = (
    *WAGTAIL,
    Known("html-src", "chooser__image", "the picture of a chooser in which nothing is chosen yet"),
    Known(
        "html-content",
        'inside <button type="button" class="w-side-panel-toggle"',
        "a block in the button of a side panel",
    ),
    Known("page-has-heading-one", "html", "an editor of something new has its title in a field"),
    Known(
        "focus-obscured",
        ".w-minimap__toggle",
        "the narrow window's side panel lies over the button of its contents, until a script has folded it",
        always=False,
    ),
)
"""The same, of its editors."""
OBJECT_EDITOR: tuple[Known, ...] = (
    *EDITOR,
    Known("target-size", ".w-minimap__toggle", "the button of the page's contents is 20 px high"),
    WAY,
)
"""The same, of something that is there already."""
PAGE_EDITOR: tuple[Known, ...] = (
    *OBJECT_EDITOR,
    Known("label", ".ui-autocomplete-input", "the field that the editor of tags makes for itself has no label"),
    Known("aria-input-field-name", ".public-DraftEditor-content", "nor has the editor of text"),
    Known("landmark-unique", ".w-panel--nested", "two blocks of one kind are called the same"),
    Known("focus-obscured", "form", "the bars at the top and at the foot lie over what is behind them"),
    Known("keyboard-unreached", ".TooltipEntity", "a link within a text is edited with the text"),
    Known("html-syntax", "-ORDER", "an attribute twice in the list of inline objects"),
)
"""The same, of editors of pages."""
SIDEBAR_MS = 10_000
FOLDED = """() => {
  const bar = document.querySelector(".sidebar");
  return !bar || (innerWidth < 800 ? bar.matches(".sidebar--mobile.sidebar--closed") : !bar.matches(".sidebar--mobile"));
}"""
"""Of Wagtail's sidebar: its script folds it when the window becomes narrow, some time after that."""

# WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, or a circle of that size around it that meets no other target's. Links within a sentence are
# excepted.
TARGETS = """(size) => {
  const seen = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && !e.disabled && !e.closest("[inert]");
  const inSentence = e => e.matches("a") && getComputedStyle(e).display === "inline" && [...e.parentElement.childNodes].some(
    n => n.nodeType === 3 && n.textContent.trim().length > 1);
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]")]
    .filter(seen).map(e => ({e, box: e.getBoundingClientRect()}))
    .filter(t => t.box.width > 1 && t.box.height > 1 && t.box.right > 0 && t.box.bottom + scrollY > 0);
  const small = t => t.box.width < size - .5 || t.box.height < size - .5;
  const middle = t => [t.box.left + t.box.width / 2, t.box.top + t.box.height / 2];
  const near = (t, o) => {
    const [x, y] = middle(t);
    if (small(o)) { const [a, b] = middle(o); return Math.hypot(x - a, y - b) < size; }
    const dx = Math.max(o.box.left - x, 0, x - o.box.right), dy = Math.max(o.box.top - y, 0, y - o.box.bottom);
    return Math.hypot(dx, dy) < size / 2;
  };
  return all.filter(t => small(t) && !inSentence(t.e) && all.some(
      o => o !== t && !o.e.contains(t.e) && !t.e.contains(o.e) && near(t, o)))
    .map(t => { t.e.setAttribute("data-too-small", ""); return t.e.outerHTML.slice(0, 200); });
}"""

NOT_WITHIN = """where => [...document.querySelectorAll('[data-too-small]')].filter(e => {
  if (e.closest(where)) e.removeAttribute('data-too-small');
  return e.hasAttribute('data-too-small');
}).map(e => e.outerHTML.slice(0, 200))"""

TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth, scrolls = e => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== "visible") return true;
    return false;
  };
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const found = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > room + 1 && !scrolls(e));
  return [`${document.documentElement.scrollWidth} px`, ...found.slice(0, 5).map(e => e.cloneNode(false).outerHTML.slice(0, 160))];
}"""

SPILLED = """() => [...document.querySelectorAll("td, th")].filter(
  e => e.clientHeight > 1 && e.scrollHeight > e.clientHeight + 8 && e.checkVisibility() && getComputedStyle(e).overflowY === "visible"
).slice(0, 5).map(e => e.outerHTML.slice(0, 160))"""

REDIRECTS = range(300, 400)
_sent: WeakKeyDictionary[Page, Response] = WeakKeyDictionary()


def watched(page: Page) -> Page:
    """The page; from now on it is known which document the server sent for what it shows."""

    def came(answer: Response) -> None:
        request = answer.request
        if request.is_navigation_request() and answer.status not in REDIRECTS and answer.frame == page.main_frame:
            _sent[page] = answer

    page.on("response", came)
    return page


EXCUSED = (
    "([target, selector]) => { const e = document.querySelector(target); return Boolean(e && e.closest(selector)); }"
)


def check_page(
    page: Page,
    url: str | None = None,
    *,
    name: str = "",
    status: int = 200,
    language: str = "",
    widths: Sequence[int] = WIDTHS,
    schemes: Sequence[str] = SCHEMES,
    known: Sequence[Known] = (),
    walked: bool = True,
) -> None:
    """Fail with a list of everything that is wrong with a page.

    Args:
        url: where to go first; None for the page as it is now, see `watched`.
        name: for pictures and messages; the address's path if empty.
        status: what the address must answer with.
        language: that the page must say it is in, "en" or "fr"; if empty that of an address below /fr/, or any.
        widths: of the window, in CSS pixels.
        schemes: "light", "dark".
        known: faults that are not ours, see `Known`.
        walked: by keyboard too; not again where another language has the same controls and they are many.
    """
    with _listening(page, status) as complaints:
        answer = _opened(page, url, status, widths[0])
        found = [fault for fault in markup.faults(answer.text()) if not _excused_text(fault, known)]
        found += _in_another_language(page, language)
        shown = (
            name
            or re.sub(r"[^a-z0-9]+", "-", page.url.split("://", 1)[-1].partition("/")[2].lower()).strip("-")
            or "home"
        )
        for width in widths:
            for scheme in schemes:
                look = f"{width} px, {scheme}"
                rules = COLOURS if scheme == "dark" and "light" in schemes and width != widths[0] else AXE_TAGS
                found += [f"{fault} [{look}]" for fault in _look(page, width, scheme, rules, known, shown)]
        if walked:
            found += _by_keyboard(page, widths, schemes, known)
    found += complaints
    assert not found, f"{page.url} ({shown}):\n" + "\n".join(f"  {fault}" for fault in dict.fromkeys(found))


def _opened(page: Page, url: str | None, status: int, width: int) -> Response:
    """What was sent for what the page shows: the address that was asked for, and no other that it led on to, as to a door."""
    if url is None:
        answer = _sent.get(page)
    else:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        answer = page.goto(url)
        assert unquote(page.url) == unquote(urldefrag(url).url), f"{url} led on to {page.url}"
    assert answer is not None, f"what was sent for {url or page.url} is not known: open it in a page that is watched"
    assert answer.status == status, f"{answer.url} answered {answer.status} instead of {status}"
    return answer


def _in_another_language(page: Page, language: str) -> Iterator[str]:
    wanted = language or ("fr" if urlsplit(page.url).path.startswith("/fr/") else "")
    said = str(page.evaluate("document.documentElement.lang"))
    if wanted and said.partition("-")[0].lower() != wanted:
        yield f"language: the page says that it is {said!r} instead of {wanted!r}"


SETTLED = """() => {
  for (const moving of document.getAnimations())
    if (moving.effect.getComputedTiming().endTime !== Infinity) moving.finish()
}"""
"""Colours on their way from one scheme to the other belong to neither."""


def _look(page: Page, width: int, scheme: str, rules: Sequence[str], known: Sequence[Known], name: str) -> list[str]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate(SETTLED)
    if folder := os.environ.get(SCREENSHOTS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}-{width}-{scheme}.png"), full_page=True)
    found = _axe(page, rules, known)
    found += _small_targets(page, known)
    if wide := page.evaluate(TOO_WIDE):
        found.append(f"overflow: the page is wider than the window: {'; '.join(wide)}")
    return found + [f"spill: higher than its cell: {html}" for html in page.evaluate(SPILLED)]


def _axe(page: Page, rules: Sequence[str], known: Sequence[Known]) -> list[str]:
    """Faults that axe finds; ``rules`` are its rules, or its tags."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    violations: list[dict[str, Any]] = page.evaluate(AXE_RUN, list(rules))
    found = []
    for violation in violations:
        for node in violation["nodes"]:
            if not _excused(page, violation["id"], str(node["target"][0]), known):
                why = " ".join(node["failureSummary"].split())
                found.append(f"{violation['id']}: {node['html'][:200]} {why[:300]}")
    return found


def _small_targets(page: Page, known: Sequence[Known]) -> list[str]:
    small = page.evaluate(TARGETS, TARGET_PX)
    for one in known:
        if small and one.rule == "target-size":
            left = page.evaluate(NOT_WITHIN, one.where)
            if left != small:
                _met.add(one)
            small = left
    page.evaluate("document.querySelectorAll('[data-too-small]').forEach(e => e.removeAttribute('data-too-small'))")
    return [f"target-size: smaller than {TARGET_PX} px and too near to another: {html}" for html in small]


def _by_keyboard(page: Page, widths: Sequence[int], schemes: Sequence[str], known: Sequence[Known]) -> list[str]:
    """A walk takes as long as all the rest, so there is one, wide and in the light; narrow and in the dark each stop is looked at."""
    found: list[tuple[str, keyboard.Fault]] = []

    def turn(width: int, scheme: str) -> str:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": HEIGHT})
        with suppress(PlaywrightTimeout):
            page.wait_for_function(FOLDED, timeout=SIDEBAR_MS)
        page.evaluate(SETTLED)
        return f"{width} px, {scheme}"

    look = turn(widths[0], schemes[-1])
    found += [(look, fault) for fault in keyboard.narrow(page, look="dark" in schemes)]
    if "light" in schemes:
        look = turn(widths[-1], "light")
        found += [(look, fault) for fault in keyboard.faults(page)]
        if keyboard.more_when_narrow(page):
            look = turn(widths[0], "light")
            found += [(look, fault) for fault in keyboard.faults(page)]
    turn(widths[-1], schemes[-1])
    return [
        f"{fault.code}: {fault.text} [{look}]"
        for look, fault in found
        if not _excused(page, fault.code, fault.path, known)
    ]


def _excused(page: Page, rule: str, target: str, known: Sequence[Known]) -> bool:
    return _meets(k for k in known if k.rule == rule and page.evaluate(EXCUSED, [target, k.where]))


def _excused_text(fault: str, known: Sequence[Known]) -> bool:
    code = fault.partition(":")[0]
    return _meets(k for k in known if k.rule == code and k.where in fault)


def _meets(excuses: Iterator[Known]) -> bool:
    """Whether there is one; the first is the one that was needed."""
    found = next(excuses, None)
    if found is not None:
        _met.add(found)
    return found is not None


@contextmanager
def _listening(page: Page, status: int) -> Iterator[list[str]]:
    """What the page complains of meanwhile; that the page itself answers with an expected status is no complaint."""
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        own = status >= 400 and f"status of {status}" in message.text
        if message.type == "error" and not own:
            complaints.append(f"console: {message.text}")

    def threw(error: Exception) -> None:
        complaints.append(f"script: {error}")

    def asked(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname not in HERE:
            complaints.append(f"foreign: the page asks {url.hostname} for {url.path}")

    page.on("console", said)
    page.on("pageerror", threw)
    page.on("request", asked)
    try:
        yield complaints
    finally:
        page.remove_listener("console", said)
        page.remove_listener("pageerror", threw)
        page.remove_listener("request", asked)
