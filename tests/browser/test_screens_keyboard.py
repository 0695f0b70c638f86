"""The walk by keyboard: each kind of fault is planted and must be found by its name, and what is sound must pass."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.browser.screens import Known, check_page
from tests.browser.test_screens import ADDRESS, serve

NARROW = "@media (min-width: 999px) { .menu { display: none } }"
TURNED = ".turned { display: flex; flex-direction: %s-reverse; gap: 1em }"
TWO = '<p class="turned"><button>One</button><button>Two</button></p>'
HEAVY = (
    '<nav aria-label="All"><a href="/1">One</a> <a href="/2">Two</a> <a href="/3">Three</a> <a href="/4">Four</a></nav>'
)
MENU = """<button id="opens" aria-haspopup="menu" aria-expanded="false">Open</button><ul id="menu" role="menu" hidden>
<li role="none"><a role="menuitem" href="/">Way</a></li></ul><script>
const button = document.querySelector("#opens"), menu = document.querySelector("#menu");
const show = yes => { menu.hidden = !yes; button.setAttribute("aria-expanded", yes) };
button.addEventListener("click", () => show(menu.hidden));
document.addEventListener("keydown", e => { if (e.key === "Escape") ESCAPE });
</script>"""
FOUR = """<button>One</button> <button>Two</button> <button>Three</button> <button>Four</button><script>
const next = NEXT, buttons = [...document.querySelectorAll("main button")];
document.addEventListener("keydown", e => {
  const to = buttons[next[buttons.indexOf(document.activeElement)]];
  if (e.key === "Tab" && to) { e.preventDefault(); to.focus() }
})</script>"""
PASSWORD = """<form><label>Name <input autocomplete="username"></label>
<label>Word <input type="password" name="password" HERE></label></form>"""
CODE = '<label>Code <input name="code" HERE></label>'
GOOD = PASSWORD.replace("HERE", 'autocomplete="current-password"') + CODE.replace(
    "HERE", 'autocomplete="one-time-code"'
)


@pytest.mark.parametrize(
    ("extra", "style", "fault"),
    [
        ("<button>Calm</button>", "button:focus { outline: none }", r"focus-invisible.*Calm.*looks the same"),
        ("<button>Calm</button>", "@media (prefers-color-scheme: dark) { button:focus { outline: 0 } }", r"focus-invisible.*360 px, dark"),
        ('<a href="/" style="position: absolute; left: -999px">Far</a>', "", r"focus-invisible.*Far.*outside"),
        ('<button class="menu">Calm</button>', ".menu:focus { outline: none }" + NARROW,
         r"focus-invisible.*Calm"),
        (FOUR.replace("NEXT", "{0: 2}").replace("<button>", '<button class="menu">'), NARROW,
         r"keyboard-unreached.*Two"),
        ("<button>Under</button>", "footer { position: fixed; inset: 0; background: #fff }", r"focus-obscured.*Under"),
        (FOUR.replace("NEXT", "{1: 0}"), "", r"keyboard-trap.*One[\s\S]*keyboard-unreached.*Three"),
        (FOUR.replace("NEXT", "{0: 2}"), "", r"keyboard-unreached.*Two"),
        (FOUR.replace("NEXT", "{0: 2, 2: 1, 1: 3}"), "", r"keyboard-order.*Two.*behind it"),
        ('<button>One</button> <button tabindex="5">Two</button>', "", r"keyboard-order.*Two.*a place of its own"),
        (TWO, TURNED % "column", r"keyboard-order.*Two.*above"),
        (TWO, TURNED % "row", r"keyboard-order.*Two.*in its line"),
        ("<button>Under</button>", "@media (width < 400px) { footer { position: fixed; inset: 0; background: #fff } }",
         r"focus-obscured.*Under.*360 px, dark"),
        (MENU.replace("ESCAPE", "{}"), "", r"escape.*Open.*does not close"),
        (MENU.replace("ESCAPE", "{ show(false); document.activeElement.blur() }"), "", r"escape.*Open.*is lost"),
        (PASSWORD.replace("HERE", 'autocomplete="off"'), "", r"autocomplete.*field for a password"),
        (PASSWORD.replace("HERE", 'autocomplete="new-password" onpaste="return false"'), "", r"paste.*password.*refuses"),
        (CODE.replace("HERE", ""), "", r"autocomplete.*field for a code"),
        (PASSWORD.replace("HERE", 'autocomplete="new-password"').replace("username", "off"), "", r"autocomplete.*name beside a password"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(page: Page, extra: str, style: str, fault: str) -> None:
    serve(page, extra, style)
    with pytest.raises(AssertionError) as caught:
        check_page(page, ADDRESS, widths=(360, 1440))
    assert re.search(fault, str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('<a href="#main">Skip to content</a>', HEAVY, "skip-link: nothing leads over"),
        ('<main id="main" tabindex="-1">', '<main id="elsewhere">', r"skip-link.*does not lead to #main"),
    ],
)
def test_a_way_over_what_is_repeated(page: Page, before: str, after: str, fault: str) -> None:
    serve(page, replaced={before: after})
    with pytest.raises(AssertionError, match=fault):
        check_page(page, ADDRESS, widths=(360,), schemes=("light",))


def test_what_is_sound_passes(page: Page) -> None:
    """A menu that Esc closes, one of several radio buttons, what is hidden or not for the keyboard, and fields that may be filled in."""
    extra = MENU.replace("ESCAPE", "{ if (!menu.hidden) { show(false); button.focus() } }") + GOOD
    extra += '<fieldset><legend>One</legend><label><input type="radio" name="r"> a</label> <label><input type="radio" name="r"> b</label>'
    extra += "</fieldset><details><summary>More</summary><button>x</button></details>"
    extra += '<button disabled>No</button> <button tabindex="-1">j</button>'
    serve(page, extra, "input, button, summary { min-block-size: 24px; min-inline-size: 24px }")
    check_page(page, ADDRESS, widths=(360, 1440))


BUSY = """<!doctype html><html lang="en"><title>Busy</title><a href="/">One</a> <a href="/">Two</a><script>
setInterval(() => { const until = performance.now() + 100; while (performance.now() < until); }, 110)</script>"""


def test_a_frame_that_is_slow_to_take_the_focus_is_walked_through(page: Page) -> None:
    """It is a process of its own, as every frame in a sandbox: what stands behind it must be reached however busy it is."""
    page.route("**/busy", lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=BUSY))
    frame = '<iframe sandbox="allow-scripts" title="Busy" src="/busy"></iframe>'
    serve(
        page, f"<p><button>Before</button></p>{frame}<p><button>Behind</button></p>", "button { min-block-size: 24px }"
    )
    check_page(page, ADDRESS, widths=(1440,), schemes=("light",))


def test_a_fault_at_a_named_place_is_excused(page: Page) -> None:
    serve(page, '<div class="theirs"><button>Calm</button></div>', "button:focus { outline: none }")
    check_page(page, ADDRESS, widths=(1440,), known=(Known("focus-invisible", ".theirs", "planted"),))
