"""The markup of a page: what html5lib's parser reports about the syntax, and rules of the standard that a parser does not look at.

`faults` lists everything that is wrong with a document, each with its place or its element.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib
from html5lib.constants import E as MEANINGS

PHRASING_ONLY = {
    "abbr", "b", "bdi", "bdo", "button", "cite", "code", "data", "dfn", "em", "h1", "h2", "h3", "h4", "h5", "h6", "i", "kbd", "label",
    "mark", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var",
}  # fmt: skip
"""Elements that hold text and what stands within a line, nothing else (HTML standard, "phrasing content")."""
FLOW = {
    "address", "article", "aside", "blockquote", "details", "dialog", "div", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3",
    "h4", "h5", "h6", "header", "hgroup", "hr", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "table", "ul",
}  # fmt: skip
INTERACTIVE = {"a", "button", "details", "embed", "iframe", "input", "label", "select", "textarea"}
OBSOLETE = {"acronym", "big", "center", "dir", "font", "frame", "frameset", "marquee", "nobr", "strike", "tt"}
CHILDREN = {
    "ul": {"li", "script", "template"},
    "ol": {"li", "script", "template"},
    "dl": {"dt", "dd", "div", "script", "template"},
    "tr": {"th", "td", "script", "template"},
    "select": {"option", "optgroup", "hr", "script", "template"},
}
ID_LISTS = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-errormessage", "headers")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


def faults(text: str) -> list[str]:
    """Each fault as ``code: what and where``; empty for a valid document."""
    # What a template element holds is no part of the document, and html5lib does not know the element.
    text = re.sub(r"(<template\b[^>]*>).*?(</template>)", r"\1\2", text, flags=re.DOTALL)
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    root = parser.parse(text)
    lines = text.splitlines() or [""]
    found = [
        f"html-syntax: {MEANINGS.get(code, code) % data} (line {line}, column {column}): {_near(lines, line, column)}"
        for (line, column), code, data in parser.errors
    ]
    return found + [fault for rule in RULES for fault in rule(root)]


def _near(lines: list[str], line: int, column: int) -> str:
    there = lines[min(line, len(lines)) - 1]
    return there[max(0, column - 60) : column + 20].strip()


def _elements(root: Element) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Every element with those around it, outermost first."""
    stack: list[tuple[Element, tuple[Element, ...]]] = [(root, ())]
    while stack:
        element, around = stack.pop()
        if isinstance(element.tag, str):
            yield element, around
            stack += [(child, (*around, element)) for child in reversed(element)]


def _of_html(element: Element) -> bool:
    return not str(element.tag).startswith("{")


def _shown(element: Element) -> str:
    attributes = "".join(f' {k}="{v[:60]}"' for k, v in element.attrib.items() if isinstance(k, str))
    return f"<{element.tag}{attributes}>"[:200]


def _document(root: Element) -> Iterator[str]:
    """Language, one title, one main, one h1 at most."""
    if not LANGUAGE.match(root.get("lang", "")):
        yield f"html-lang: the html element says {root.get('lang')!r} where its language should be"
    titles = [e for e, around in _elements(root) if e.tag == "title" and any(a.tag == "head" for a in around)]
    if len(titles) != 1 or not "".join(titles[0].itertext()).strip():
        yield f"html-title: {len(titles)} titles; one with words is needed"
    mains = [e for e, _ in _elements(root) if e.tag == "main" and "hidden" not in e.attrib]
    if len(mains) > 1:
        yield f"html-main: {len(mains)} visible main elements"


def _ids(root: Element) -> Iterator[str]:
    """Each id once and without white space; what refers to one finds it."""
    known = Counter(e.get("id") for e, _ in _elements(root) if e.get("id") is not None)
    for name, times in known.items():
        if times > 1:
            yield f'html-duplicate-id: {times} elements have id="{name}"'
        if not name or re.search(r"\s", str(name)):
            yield f'html-id: "{name}" is no id'
    for element, _ in _elements(root):
        references = [(name, key) for name in ID_LISTS for key in element.get(name, "").split()]
        if element.tag in ("label", "output") and "for" in element.attrib:
            references += [("for", key) for key in (element.get("for", "").split() or [""])]
        for name, key in references:
            if key not in known:
                yield f'html-reference: {name}="{key}" of {_shown(element)} refers to no element'


def _pictures(root: Element) -> Iterator[str]:
    for element, _ in _elements(root):
        if element.tag == "img" and "alt" not in element.attrib:
            yield f"html-alt: {_shown(element)} has no alt"
        if element.tag == "img" and not element.get("src", "").strip():
            yield f"html-src: {_shown(element)} has no src"


def _nesting(root: Element) -> Iterator[str]:
    """Nothing interactive inside something interactive, no block inside a line, no form inside a form."""
    for element, around in _elements(root):
        if not _of_html(element):
            continue
        outer = [a for a in around if _of_html(a)]
        if _interactive(element):
            for holder in outer:
                allowed = holder.tag == "details" or (holder.tag == "label" and element.tag != "label")
                if _interactive(holder) and not allowed:
                    yield f"html-interactive: {_shown(element)} inside {_shown(holder)}"
        if element.tag in FLOW:
            for holder in reversed(outer):
                if holder.tag in PHRASING_ONLY:
                    yield f"html-content: {_shown(element)} inside {_shown(holder)}"
                    break
                if holder.tag not in ("a", "ins", "del", "map", "slot"):
                    break
        if element.tag in OBSOLETE:
            yield f"html-obsolete: {_shown(element)}"


def _interactive(element: Element) -> bool:
    if element.tag == "a":
        return "href" in element.attrib
    if element.tag == "input":
        return element.get("type") != "hidden"
    return element.tag in INTERACTIVE


def _children(root: Element) -> Iterator[str]:
    """Lists hold items, rows hold cells, and items stand in lists."""
    for element, around in _elements(root):
        allowed = CHILDREN.get(str(element.tag))
        if allowed is not None:
            for child in element:
                if isinstance(child.tag, str) and child.tag not in allowed:
                    yield f"html-children: {_shown(child)} directly inside {_shown(element)}"
        if element.tag == "li" and around and around[-1].tag not in ("ul", "ol", "menu"):
            yield f"html-children: {_shown(element)} outside a list"


RULES = (_document, _ids, _pictures, _nesting, _children)
