"""The text part of a mail, from HTML: it reads well by itself, with its links numbered below."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser

WIDTH = 72
_BLOCKS = {
    "p",
    "div",
    "section",
    "article",
    "figure",
    "figcaption",
    "blockquote",
    "ul",
    "ol",
    "table",
    "tr",
    "pre",
    "hr",
}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = {"style", "script", "head", "title"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.links: list[str] = []
        self._text: list[str] = []
        self._prefixes: list[str] = []
        self._lists: list[int | None] = []
        self._first_prefix = ""
        self._href = ""
        self._silent = 0
        self._heading = False
        self._as_it_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS or tag in _HEADINGS or tag == "li":
            self._flush()
            self._open(tag)
            self._as_it_is += tag == "pre"
        elif tag == "br":
            self._text.append("\n")
        elif tag == "a":
            self._href = values.get("href") or ""
        elif tag == "img" and values.get("alt"):
            self._text.append(f"[{values['alt']}]")

    def _open(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._heading = True
        elif tag == "blockquote":
            self._prefixes.append("> ")
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "hr":
            self.blocks.append("* * *")
        elif tag == "li":
            count = self._lists[-1] if self._lists else None
            if count is not None:
                self._lists[-1] = count + 1
            self._first_prefix = "- " if count is None else f"{count + 1}. "

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a":
            self._end_link()
        elif tag in _BLOCKS or tag in _HEADINGS or tag == "li":
            self._flush()
            if tag == "pre":
                self._as_it_is = max(0, self._as_it_is - 1)
            if tag == "blockquote" and self._prefixes:
                self._prefixes.pop()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()

    def _end_link(self) -> None:
        href, self._href = self._href, ""
        if not href.startswith(("http://", "https://", "mailto:")):
            return
        if href not in self.links:
            self.links.append(href)
        self._text.append(f" [{self.links.index(href) + 1}]")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._text.append(data if self._as_it_is else re.sub(r"\s+", " ", data))

    def _flush(self) -> None:
        text, self._text = "".join(self._text), []
        if self._as_it_is:
            if text.strip():
                self.blocks.append("\n".join("    " + line.rstrip() for line in text.strip("\n").split("\n")))
            return
        lines = [re.sub(r" +", " ", line).strip() for line in text.split("\n")]
        prefix = "".join(self._prefixes)
        first, self._first_prefix = self._first_prefix, ""
        heading, self._heading = self._heading, False
        if not any(lines):
            self._first_prefix = first
            return
        indent = prefix + " " * len(first)
        wrapped = [
            textwrap.fill(
                line,
                WIDTH,
                initial_indent=prefix + first if number == 0 else indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for number, line in enumerate(lines)
            if line
        ]
        block = "\n".join(wrapped)
        if heading:
            block += "\n" + "-" * min(WIDTH, max(len(line) for line in block.splitlines()))
        self.blocks.append(block)

    def close(self) -> None:
        super().close()
        self._flush()


def text_of(html: str) -> str:
    """Paragraphs wrapped at 72 characters, headings underlined, list items marked, links as [1] with the addresses at the end."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    body = "\n\n".join(reader.blocks)
    body = re.sub(r"(?m)^((?:> )*(?:- |\d+\. ).*(?:\n(?!\n).*)*)\n\n(?=(?:> )*(?:- |\d+\. ))", r"\1\n", body)
    if not reader.links:
        return body
    return body + "\n\n" + "\n".join(f"[{number}] {link}" for number, link in enumerate(reader.links, 1))


def wrapped(text: str) -> str:
    """``text`` in lines of at most 72 characters; addresses and code stay whole, and so do long words."""
    lines = [
        line
        if len(line) <= WIDTH or line.startswith("    ")
        else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
