"""The checks themselves: a fault that is planted must be found, each kind by its name, and a sound page must pass."""

from __future__ import annotations

import re
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import markup
from tests.browser.screens import Known, check_page, needless
from tests.browser.walk import Walk

ADDRESS = "http://127.0.0.1/planted"
SOUND = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sound</title>
<link rel="icon" href="data:,"><style>body { color: #111; background: #fff } HERE_STYLE</style></head>
<body><a href="#main">Skip to content</a><header>Name</header>
<main id="main" tabindex="-1"><h1>Title</h1><p>Words.</p>HERE</main><footer>End</footer></body></html>"""


def serve(
    page: Page, extra: str = "", style: str = "", replaced: dict[str, str] | None = None, status: int = 200
) -> None:
    """The sound page with something planted in it, or in the place of something."""
    text = SOUND.replace("HERE_STYLE", style).replace("HERE", extra)
    for before, after in (replaced or {}).items():
        text = text.replace(before, after)

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="text/html; charset=utf-8", body=text)

    page.route(ADDRESS, answer)


def test_a_sound_page_passes(page: Page) -> None:
    serve(page)
    check_page(page, ADDRESS)


@pytest.mark.parametrize(
    ("extra", "style", "fault"),
    [
        ('<p style="color: #bbb">Weak</p>', "", "color-contrast"),
        ("<p>Dark only</p>", "@media (prefers-color-scheme: dark) { p { color: #eee } }", r"color-contrast.*dark"),
        ("<h4>Too deep</h4>", "", "heading-order"),
        ("<input>", "", "label"),
        ("<p><span>open</p>", "", "html-syntax"),
        ('<p id="main">Twice</p>', "", "html-duplicate-id"),
        ('<div style="inline-size: 400px">Wide</div>', "", r"overflow.*360 px"),
        ('<div class="wide">Wide</div>', "@media (min-width: 1000px) { .wide { width: 1500px } }", r"overflow.*1440 px"),
        ("<table><tr><td>Three<br>lines<br>of it</td></tr></table>", "td { display: flex; height: 20px }", "spill.*Three"),
        ("<button>a</button><button>b</button>", "button { width: 10px; height: 10px; padding: 0; font-size: 6px }", "target-size"),
        ("<script>console.error('spoke')</script>", "", "console: spoke"),
        ("<script>throw new Error('threw')</script>", "", "script: threw"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(page: Page, extra: str, style: str, fault: str) -> None:
    serve(page, extra, style)
    with pytest.raises(AssertionError) as caught:
        check_page(page, ADDRESS)
    assert re.search(fault, str(caught.value)), str(caught.value)


def test_what_is_asked_of_another_machine_is_found(browser: Browser) -> None:
    page = browser.new_page()  # not the fixture's, which refuses such requests itself
    page.route("http://elsewhere.example/**", lambda route: route.abort())
    serve(page, '<img alt="" src="http://elsewhere.example/x.png">')
    with pytest.raises(AssertionError, match=r"foreign: the page asks elsewhere\.example"):
        check_page(page, ADDRESS)
    page.close()


def test_only_the_named_fault_at_the_named_place_is_excused(page: Page) -> None:
    weak = '<div class="theirs"><p style="color: #bbb">Weak</p></div>'
    known = (Known("color-contrast", ".theirs", "planted"),)
    serve(page, weak)
    unused = Known("color-contrast", ".nobody", "planted")
    check_page(page, ADDRESS, known=(*known, unused))
    assert needless((*known, unused)) == [unused]
    page.unroute(ADDRESS)
    serve(page, weak + '<p style="color: #bbb">Ours</p>')
    with pytest.raises(AssertionError, match="Ours"):
        check_page(page, ADDRESS, known=known)


def test_another_status_is_a_fault(page: Page) -> None:
    serve(page)
    with pytest.raises(AssertionError, match="answered 200 instead of 404"):
        check_page(page, ADDRESS, status=404)


class Leads(BaseHTTPRequestHandler):
    """To the door from everywhere: what a session that has ended does, and what no route of the browser's can."""

    def do_GET(self) -> None:
        at_door = self.path == "/door"
        self.send_response(200 if at_door else 302)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if not at_door:
            self.send_header("Location", "/door")
        self.end_headers()
        if at_door:
            self.wfile.write(SOUND.replace("HERE_STYLE", "").replace("HERE", "").encode())

    def log_message(self, format: str, *args: object) -> None: ...


def test_an_address_that_leads_on_is_not_looked_at(page: Page) -> None:
    """The page that it leads to is sound."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Leads) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        check_page(page, f"{base}/door", widths=(360,), schemes=("light",))
        with pytest.raises(AssertionError, match=r"/admin/ led on to \S+/door"):
            check_page(page, f"{base}/admin/", widths=(360,), schemes=("light",))
        server.shutdown()


@pytest.mark.parametrize(("address", "language"), [("/fr/planted", ""), ("/planted", "fr")])
def test_another_language_is_a_fault(page: Page, address: str, language: str) -> None:
    serve(page)
    page.route(
        "**/fr/planted",
        lambda route: route.fulfill(content_type="text/html", body=SOUND.replace("HERE_STYLE", "").replace("HERE", "")),
    )
    with pytest.raises(AssertionError, match="language: the page says that it is 'en' instead of 'fr'"):
        check_page(page, f"http://127.0.0.1{address}", language=language, widths=(360,), schemes=("light",))


def test_what_the_server_sent_after_a_form_is_validated_too(page: Page) -> None:
    """The browser mends what is planted here: only who looks at what was sent sees it."""
    serve(page, '<form method="post"><button>Send</button></form><table><div>Here</div></table>')
    page.goto(ADDRESS)
    page.get_by_role("button").click()
    with pytest.raises(AssertionError, match="html-syntax"):
        check_page(page, widths=(360,), schemes=("light",))
    page.unroute(ADDRESS)
    serve(page, status=422)
    page.goto(ADDRESS)
    check_page(page, status=422, widths=(360,), schemes=("light",))
    with pytest.raises(AssertionError, match="answered 422 instead of 200"):
        check_page(page)


FORM = '<form method="post"><p>{}</p><button>Send</button></form>'


@pytest.mark.parametrize(
    ("answer", "refused", "fault"),
    [
        ("<p>Thank you.</p>", False, ""),
        (FORM.format(""), False, "answer is the form that led there, shown again"),
        (FORM.format('<b class="error">Not a name.</b>'), False, r"answer says: Not a name\."),
        (FORM.format('<b class="error">Not a name.</b>'), True, ""),
        ("<p>Thank you.</p>", True, "answer does not say what was wrong"),
    ],
)
def test_a_walk_tells_an_answer_from_its_form(page: Page, answer: str, refused: bool, fault: str) -> None:
    """Which has the same address and the same status."""

    def serve_form(route: Route) -> None:
        extra = answer if route.request.method == "POST" else FORM.format("")
        body = SOUND.replace("HERE_STYLE", "").replace("HERE", extra)
        route.fulfill(content_type="text/html; charset=utf-8", body=body)

    page.route(ADDRESS, serve_form)
    with Walk(page, {"answer": "/planted"}, "planted", "en", schemes=("light",)) as walk:
        page.goto(ADDRESS)
        walk.press("main button")
        with pytest.raises(AssertionError, match=fault) if fault else nullcontext():
            walk.look("answer", refused=refused)
        walk.looked.add("answer")


def test_a_page_of_which_nobody_knows_what_was_sent_is_not_passed(browser: Browser) -> None:
    page = browser.new_page()
    serve(page)
    page.goto(ADDRESS)
    with pytest.raises(AssertionError, match="open it in a page that is watched"):
        check_page(page)
    page.close()


@pytest.mark.parametrize(
    ("planted", "code"),
    [
        ("<p><div>x</div></p>", "html-syntax"),
        ("<div>", "html-syntax"),
        ('<p class="a" class="b">x</p>', "html-syntax"),
        ("<p>a & b &nosuch; c</p>", "html-syntax"),
        ("<img src='/x.png'>", "html-alt"),
        ("<img alt='x' src=''>", "html-src"),
        ("<label for='nowhere'>x</label>", "html-reference"),
        ("<p aria-describedby='nowhere'>x</p>", "html-reference"),
        ("<a href='/'><button>x</button></a>", "html-interactive"),
        ("<button><input></button>", "html-interactive"),
        ("<span><div>x</div></span>", "html-content"),
        ("<h2><a href='/'><div>x</div></a></h2>", "html-content"),
        ("<ul><div>x</div></ul>", "html-children"),
        ("<div><li>x</li></div>", "html-children"),
        ("<p id='a b'>x</p>", "html-id"),
        ("<main>second</main>", "html-main"),
        ("<center>x</center>", "html-obsolete"),
    ],
)
def test_the_validator_finds(planted: str, code: str) -> None:
    found = markup.faults(SOUND.replace("HERE_STYLE", "").replace("HERE", planted))
    assert code in {fault.partition(":")[0] for fault in found}, found


def test_the_validator_passes_what_is_sound() -> None:
    extra = """<ul><li><a href="/"><h2>Block in a link</h2></a></li></ul><label>Name <input name="n"></label>
    <details><summary>More</summary><button>x</button></details><svg viewBox="0 0 1 1"><title>Drawn</title></svg>
    <dl><div><dt>a</dt><dd>b</dd></div></dl>"""
    assert markup.faults(SOUND.replace("HERE_STYLE", "").replace("HERE", extra)) == []


@pytest.mark.parametrize(("before", "after", "code"), [
    ('<html lang="en">', "<html>", "html-lang"),
    ('<html lang="en">', '<html lang="english!">', "html-lang"),
    ("<title>Sound</title>", "<title> </title>", "html-title"),
])  # fmt: skip
def test_the_validator_looks_at_the_document(before: str, after: str, code: str) -> None:
    text = SOUND.replace("HERE_STYLE", "").replace("HERE", "").replace(before, after)
    assert [f.partition(":")[0] for f in markup.faults(text)] == [code]
