"""The body of a WordPress post, classic or of blocks, made into the blocks of our own bodies.

Nothing of the source's markup is passed on: the text is written anew from what is understood, and cleaned once more. What has no
place here stays as words or as a link, and is reported with its line.
"""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import nh3
from bs4 import BeautifulSoup, Comment, NavigableString, Tag

from webstreet.engine.imports import BodyBlock
from webstreet.engine.imports.markup import SCHEMES, of_words
from webstreet.engine.imports.shortcodes import ELEMENT, as_elements

BODY_MAX = 2_000_000
"""Characters of one body. Reading a longer one as HTML would cost more than it can be worth."""
ELEMENTS_MAX = 20_000
"""So many of one body are read as markup: a browser's parser takes the square of their depth."""
DEPTH_MAX = 60
CAPTION_MAX, WHO_MAX = 300, 200
_INLINE = {
    "strong": "b", "b": "b", "em": "i", "i": "i", "cite": "i", "dfn": "i", "var": "i", "del": "s", "s": "s", "strike": "s",
    "sup": "sup", "sub": "sub", "code": "code", "kbd": "code", "samp": "code", "tt": "code",
}  # fmt: skip
_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_CONTAINERS = {
    "div", "section", "article", "main", "header", "footer", "aside", "center", "address", "details", "summary", "dl", "dt", "dd",
    "figure", "figcaption", "nav", "fieldset", "form", "tbody", "picture",
}  # fmt: skip
_DROPPED = {
    "script", "style", "noscript", "template", "svg", "math", "button", "input", "select", "textarea", "link", "meta", "base",
    "head", "title", "canvas", "map",
}  # fmt: skip
_PLAYED = {"iframe", "embed", "object", "video", "audio"}
_READ = (
    {ELEMENT, "p", "a", "br", "img", "hr", "ul", "ol", "li", "blockquote", "pre", "table", "tr", "td", "th", "source", "param", "cite"}
    | set(_INLINE) | set(_HEADINGS) | _CONTAINERS | _DROPPED | _PLAYED
) - {"html", "body", "head"}  # fmt: skip
_ATTRIBUTES = {"href", "src", "alt", "class", "name", "value", "data"}
_EMPTY = re.compile(r"<(a|b|i|s|sup|sub|code)(?: [^<>]*)?>\s*</\1>")
_OUTER_BREAKS = re.compile(r"^(?:\s|<br/>)+|(?:\s|<br/>)+$")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n\s*")
_DYNAMIC = re.compile(r"^\s*wp:([a-z][a-z0-9/-]*)\b.*/\s*$", re.DOTALL)
_MEANT_EMPTY = {"more", "nextpage", "spacer", "separator"}


@dataclass(frozen=True, slots=True)
class Targets:
    """What addresses of the source are here. Each function gives an id of this site, or None.

    Attributes:
        image: by address and the source's number of it ("" if the body does not say).
        document, page: by address.
        base: address of the source's home page, for relative addresses.
    """

    image: Callable[[str, str], int | None]
    document: Callable[[str], int | None]
    page: Callable[[str], int | None]
    base: str = ""


def blocks_of(text: str, targets: Targets, lost: Callable[[int, str], None]) -> tuple[BodyBlock, ...]:
    """The body's blocks, as a StreamField stores them.

    Args:
        text: ``content:encoded`` of an item, at most `BODY_MAX` characters.
        lost: told the line within ``text`` (from 1) and what could not be kept.
    """
    if text.count("<") > ELEMENTS_MAX:
        lost(1, f"more than {ELEMENTS_MAX} elements are not read as markup; only the words are kept")
        text = html.escape(re.sub(r"<[^<>]*>", " ", text).replace("<", " "), quote=False)
    # Written anew by a browser's parser first: it is linear where Python's is not, and what it writes is well formed. Nothing is
    # trusted of it; the elements named here are those that something is said about.
    whole = nh3.clean(
        as_elements(text, lost), tags=_READ, clean_content_tags=set(), attributes={"*": _ATTRIBUTES}, generic_attribute_prefixes={"data-"},
        strip_comments=False, link_rel=None, url_schemes=SCHEMES,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(whole, "html.parser")
    body = _Body(targets, lost, classic="<!-- wp:" not in text)
    body.flow(soup.children, 0)
    return tuple(body.end())


def plain_text(markup: str) -> str:
    """An excerpt's or caption's words."""
    return " ".join(html.unescape(nh3.clean(markup, tags=set(), clean_content_tags={"script", "style"})).split())


class _Body:
    """Writes blocks while the tree is walked. A paragraph is open while ``_inline`` has something in it."""

    def __init__(self, targets: Targets, lost: Callable[[int, str], None], *, classic: bool) -> None:
        self._targets = targets
        self._lost = lost
        self._classic = classic
        self._blocks: list[BodyBlock] = []
        self._text: list[str] = []
        self._inline: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._wrap = "p"
        self._held: list[BodyBlock] | None = None

    def end(self) -> list[BodyBlock]:
        self._end_text()
        return self._blocks

    # -- The tree ------------------------------------------------------------------------------------------------------
    def flow(self, children: Iterable[Any], depth: int) -> None:
        for child in list(children):
            if isinstance(child, Comment):
                self._comment(child)
            elif isinstance(child, NavigableString):
                if type(child) is NavigableString:
                    self._words(str(child))
            elif isinstance(child, Tag):
                if depth > DEPTH_MAX:
                    self._lost(_line(child), "elements are nested too deep; only their words are kept")
                    self._words(child.get_text(" "))
                else:
                    self._tag(child, depth + 1)

    def _tag(self, tag: Tag, depth: int) -> None:
        name = tag.name.lower()
        if name == ELEMENT:
            self._shortcode(tag, depth)
        elif name in _DROPPED:
            self._lost(_line(tag), f"<{name}> was left out")
        elif name in _PLAYED:
            self._played(tag)
        elif name in _INLINE:
            self._within(_INLINE[name], "", tag, depth)
        elif name == "a":
            self._link(tag, depth)
        elif name == "br":
            self._inline.append("<br/>")
        elif name == "img":
            self._picture(tag, "")
        elif name == "hr":
            self._whole("<hr/>")
        elif name == "p" or name in _HEADINGS:
            self._paragraph(tag, _HEADINGS.get(name, "p"), depth)
        elif name in ("ul", "ol"):
            self._list(tag, depth)
        elif name == "blockquote":
            self._quote(tag, depth)
        elif name in ("pre", "xmp", "listing"):
            self._code(tag.get_text())
        elif name == "table":
            self._table(tag)
        elif name == "figure" and tag.find("img") is not None and tag.find(["table", "blockquote", "ul"]) is None:
            self._figure(tag)
        elif name in _CONTAINERS:
            if name == "form":
                self._lost(_line(tag), "a form became its words")
            self._end_paragraph()
            self.flow(tag.children, depth)
            self._end_paragraph()
        else:
            self.flow(tag.children, depth)

    def _comment(self, comment: Comment) -> None:
        found = _DYNAMIC.match(str(comment))
        if found and found[1].removeprefix("core/") not in _MEANT_EMPTY:
            self._lost(
                _line(comment.find_previous(True)), f'the block "{found[1][:60]}" is made by WordPress; it was left out'
            )

    # -- Words ---------------------------------------------------------------------------------------------------------
    def _words(self, text: str) -> None:
        """Text between tags. In a classic body an empty line ends a paragraph and a line's end is a break."""
        if not self._classic or self._wrap != "p" or self._held is not None:
            self._inline.append(html.escape(re.sub(r"\s+", " ", text), quote=False))
            return
        for number, part in enumerate(_BLANK_LINE.split(text.replace("\r\n", "\n").replace("\r", "\n"))):
            if number:
                self._end_paragraph()
            escaped = html.escape(re.sub(r"[ \t]+", " ", part), quote=False)
            self._inline.append(escaped.replace("\n", "<br/>"))

    def _within(self, name: str, attributes: str, tag: Tag, depth: int) -> None:
        """An inline element around the children; a picture in it, or an empty line, closes and opens it again."""
        if any(name == other for other, _ in self._open):
            self.flow(tag.children, depth)
            return
        self._open.append((name, attributes))
        self._inline.append(f"<{name}{attributes}>")
        self.flow(tag.children, depth)
        self._inline.append(f"</{name}>")
        self._open.pop()

    def _link(self, tag: Tag, depth: int) -> None:
        attributes = self._address(str(tag.get("href") or ""))
        if attributes and tag.get_text(strip=True):
            self._within("a", attributes, tag, depth)
        else:
            self.flow(tag.children, depth)

    def _address(self, href: str) -> str:
        """The attributes of a link to what is here now, else to where it led; "" for none that may be followed."""
        href = href.strip()
        if href.startswith("#"):
            return f' href="{html.escape(href)}"'
        page = self._targets.page(href)
        if page is not None:
            return f' linktype="page" id="{page}"'
        document = self._targets.document(href)
        if document is not None:
            return f' linktype="document" id="{document}"'
        if href.startswith("/") and not href.startswith("//"):
            href = self._targets.base.rstrip("/") + href
        return f' href="{html.escape(href)}"' if _may_be_followed(href) else ""

    # -- Blocks --------------------------------------------------------------------------------------------------------
    def _paragraph(self, tag: Tag, wrap: str, depth: int) -> None:
        self._end_paragraph()
        before, self._wrap = self._wrap, wrap
        self.flow(tag.children, depth)
        self._end_paragraph()
        self._wrap = before

    def _end_paragraph(self) -> None:
        closing = "".join(f"</{name}>" for name, _ in reversed(self._open))
        content = "".join(self._inline) + closing
        self._inline = [f"<{name}{attributes}>" for name, attributes in self._open]
        before = None
        while content != before:
            before, content = content, _OUTER_BREAKS.sub("", _EMPTY.sub("", content))
        if content:
            self._text.append(f"<{self._wrap}>{content}</{self._wrap}>")

    def _whole(self, markup: str) -> None:
        self._end_paragraph()
        self._text.append(markup)

    def _end_text(self) -> None:
        self._end_paragraph()
        markup, self._text = "".join(self._text), []
        clean = of_words(markup)
        if clean.strip():
            self._blocks.append(("text", clean))

    def _add(self, block: BodyBlock) -> None:
        """A block of its own; within a list or a quotation it comes after it."""
        if self._held is not None:
            self._held.append(block)
            return
        self._end_text()
        self._blocks.append(block)

    def _collected(self, tag: Tag, depth: int) -> str:
        """The children as the inline markup of an item of a list or a cell, and nothing else of the state changed."""
        kept = self._inline, self._open, self._text, self._wrap
        self._inline, self._open, self._text, self._wrap = [], [], [], "p"
        self.flow(tag.children, depth)
        self._end_paragraph()
        found = "".join(self._text)
        self._inline, self._open, self._text, self._wrap = kept
        return _joined(found)

    def _list(self, tag: Tag, depth: int) -> None:
        outer = self._held is None
        if outer:
            self._end_paragraph()
            self._held = []
        items = "".join(f"<li>{self._collected(item, depth + 1)}</li>" for item in tag.find_all("li", recursive=False))
        markup = f"<{tag.name}>{items}</{tag.name}>" if items else ""
        if outer:
            held, self._held = self._held or [], None
            self._text.append(markup)
            for block in held:
                self._add(block)
        else:
            self._inline.append(markup)

    def _quote(self, tag: Tag, depth: int) -> None:
        cite = tag.find("cite")
        if tag.find(["a", "ul", "ol", "img", "pre", "table"]) is not None or self._held is not None:
            outer = self._held is None
            self._end_paragraph()
            self._held = self._held if self._held is not None else []
            self._whole(f"<blockquote>{self._collected(tag, depth)}</blockquote>")
            if outer:
                held, self._held = self._held or [], None
                for block in held:
                    self._add(block)
            return
        who = ""
        if cite is not None:
            who = " ".join(cite.get_text(" ").split())[:WHO_MAX]
            cite.extract()
        said = "\n".join(line for line in (" ".join(p.split()) for p in tag.get_text("\n").split("\n")) if line)
        if said:
            self._add(("quote", {"text": said, "who": who, "source": ""}))

    def _code(self, text: str) -> None:
        if text.strip():
            self._add(("code", {"code": text.strip("\n"), "caption": ""}))

    def _table(self, tag: Tag) -> None:
        self._lost(_line(tag), "a table became lines, its cells parted by |")
        for row in tag.find_all("tr"):
            cells = (" ".join(cell.get_text(" ").split()) for cell in row.find_all(["td", "th"]))
            if line := " | ".join(cell for cell in cells if cell):
                self._whole(f"<p>{html.escape(line, quote=False)}</p>")

    # -- Pictures and what is played -------------------------------------------------------------------------------------
    def _figure(self, tag: Tag) -> None:
        caption = tag.find("figcaption", recursive=False)
        images = tag.find_all("img")
        for image in images:
            inner = image.find_parent("figure")
            own = inner.find("figcaption") if inner is not None and inner is not tag else None
            words = own if own is not None else caption if len(images) == 1 else None
            self._picture(image, words.get_text(" ") if words is not None else "")
        if caption is not None and len(images) > 1:
            self._whole(f"<p>{html.escape(' '.join(caption.get_text(' ').split()), quote=False)}</p>")

    def _picture(self, tag: Tag, caption: str) -> None:
        address = str(tag.get("src") or tag.get("data-src") or "").strip()
        numbers = re.search(r"\bwp-image-(\d+)", " ".join(tag.get_attribute_list("class", [])))  # type: ignore[arg-type]
        number = numbers[1] if numbers else str(tag.get("data-id") or "")
        self._show(address, number, " ".join(str(tag.get("alt") or "").split()), caption, _line(tag))

    def _show(self, address: str, number: str, alt: str, caption: str, line: int) -> None:
        caption = " ".join(caption.split())
        found = self._targets.image(address, number)
        if found is not None:
            shown = {"image": found, "decorative": not alt, "alt_text": alt[:255]}
            if len(caption) > CAPTION_MAX:
                self._lost(line, f"a caption is longer than {CAPTION_MAX} characters and was cut")
            self._add(("image", {"image": shown, "caption": caption[:CAPTION_MAX], "wide": False}))
            return
        name = address.rsplit("/", 1)[-1][:80] or f"number {number}"
        words = caption or alt or name
        linked = self._linked(address, words)
        if linked:
            self._lost(line, f'the image "{name}" is not here; a link to it is kept')
            self._whole(f"<p>{linked}</p>")
        else:
            self._lost(line, f'the image "{name}" is not here; its words are kept')
            self._inline.append(html.escape(words, quote=False))

    def _linked(self, address: str, words: str) -> str:
        attributes = self._address(address)
        return f"<a{attributes}>{html.escape(words, quote=False)}</a>" if attributes else ""

    def _played(self, tag: Tag) -> None:
        inner = tag.find(["source", "embed", "param"])
        found = (t.get(a) for t in (tag, inner) if isinstance(t, Tag) for a in ("src", "data", "value"))
        address = next((str(a) for a in found if a), "")
        self._play(address.strip(), f"<{tag.name}>", _line(tag))

    def _play(self, address: str, what: str, line: int) -> None:
        linked = self._linked(f"https:{address}" if address.startswith("//") else address, address)
        self._lost(line, f"{what} became a link" if linked else f"{what} was left out")
        if linked:
            self._whole(f"<p>{linked}</p>")

    def _shortcode(self, tag: Tag, depth: int) -> None:
        name, line = str(tag.get("name")), _line(tag)
        if name == "gallery":
            numbers = [n for n in re.split(r"[\s,]+", str(tag.get("data-ids") or tag.get("data-include") or "")) if n]
            if not numbers:
                self._lost(
                    line,
                    "[gallery] shows what was uploaded to the post, which the export does not say; it was left out",
                )
            for number in numbers[:200]:
                self._show("", number, "", "", line)
        elif name in ("caption", "wp_caption"):
            image = tag.find("img")
            words = str(tag.get("data-caption") or "") or tag.get_text(" ")
            if image is not None:
                self._picture(image, words)
            else:
                self.flow(tag.children, depth)
        elif name in ("embed", "audio", "video", "playlist"):
            keys = (
                "data-src",
                "data-mp3",
                "data-m4a",
                "data-ogg",
                "data-wav",
                "data-mp4",
                "data-webm",
                "data-url",
                "data-0",
            )
            address = next((str(tag[key]) for key in keys if tag.get(key)), "") or tag.get_text(strip=True)
            self._play(address, f"[{name}]", line)
        elif name in ("code", "sourcecode"):
            self._code(tag.get_text())
        elif name == "quote":
            self._quote(tag, depth)
        else:
            self.flow(tag.children, depth)


def _joined(markup: str) -> str:
    """Paragraphs inside an item of a list as lines: a rich text's item holds no paragraph."""
    inner = re.sub(r"</(?:p|h2|h3|h4)>\s*<(?:p|h2|h3|h4)>", "<br/>", markup)
    return re.sub(r"</?(?:p|h2|h3|h4)>", "", inner)


def _line(tag: Any) -> int:
    return int(getattr(tag, "sourceline", None) or 1)


def _may_be_followed(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme in ("mailto", "tel"):
        return bool(parts.path)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
