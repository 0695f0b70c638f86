"""WordPress's export format, WXR 1.0 to 1.2: read as a stream, one item in memory at a time.

An export is RSS 2.0 with elements of its own (https://codex.wordpress.org/Tools_Export_Screen). Entities, a document type and
external references are refused: no export has them. Characters that XML forbids occur in real exports and are replaced, each
reported by its line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from webstreet.kernel.errors import DocumentInvalid, Problem

CHUNK_BYTES = 64 * 1024
FIELD_MAX = 8 * 1024 * 1024
"""Characters of one text. A longer one is no article; it is refused before it fills the memory."""
DEPTH_MAX = 40
TERMS_MAX, TERM_LENGTH = 1000, 1000
"""Of an item's categories and tags, and of what WordPress keeps beside it; what is longer or more than that is no name."""
META = {"_wp_attached_file", "_wp_attachment_image_alt", "_thumbnail_id"}
MENU_META = "_menu_item_"
VERSIONS = ("1.0", "1.1", "1.2")
CALLED = "The export"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODINGS = {"utf-8", "utf-16", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ITEM_FIELDS = {
    "title": "title",
    "link": "link",
    "dc:creator": "creator",
    "content:encoded": "content",
    "excerpt:encoded": "excerpt",
    "wp:post_id": "post_id",
    "wp:post_date": "date",
    "wp:post_date_gmt": "date_gmt",
    "wp:post_name": "slug",
    "wp:status": "status",
    "wp:post_parent": "parent",
    "wp:menu_order": "menu_order",
    "wp:post_type": "post_type",
    "wp:post_password": "password",
    "wp:attachment_url": "attachment_url",
}


class ExportInvalid(DocumentInvalid):
    """The export cannot be read; nothing was changed."""

    code = "wxr.invalid"


def invalid(line: int, rule: str, suggestion: str, code: str) -> ExportInvalid:
    return ExportInvalid(CALLED, [Problem(f"line {line}", rule, suggestion)], code=code)


@dataclass(slots=True)
class Item:
    """One ``<item>``: a post, a page, an attachment, an entry of a menu. Texts as they stand there.

    Attributes:
        line: of the item. content_line: of its content's beginning.
        terms: (domain, slug, name) of each category and tag. meta: key -> value, of `META` and menus only. comments: how many.
    """

    line: int
    content_line: int = 0
    title: str = ""
    link: str = ""
    creator: str = ""
    content: str = ""
    excerpt: str = ""
    post_id: str = ""
    date: str = ""
    date_gmt: str = ""
    slug: str = ""
    status: str = ""
    parent: str = ""
    menu_order: str = ""
    post_type: str = ""
    password: str = ""
    attachment_url: str = ""
    terms: list[tuple[str, str, str]] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    comments: int = 0


@dataclass(slots=True)
class Channel:
    """What the export says of the whole site. authors: log-in -> shown name."""

    version: str = ""
    title: str = ""
    site_url: str = ""
    home_url: str = ""
    language: str = ""
    authors: dict[str, str] = field(default_factory=dict)


class Wxr:
    """Iterate over it once for the items; ``channel`` is filled on the way, before the first item in every export.

    Args:
        file: open in binary mode.
        on_bytes: told how many bytes were read.
        on_replaced: told the line of every character that XML forbids.

    Raises:
        ExportInvalid: while iterating; the line and what to do.
    """

    def __init__(
        self,
        file: IO[bytes],
        on_bytes: Callable[[int], None] | None = None,
        on_replaced: Callable[[int], None] | None = None,
    ) -> None:
        self._file = file
        self._on_bytes = on_bytes or (lambda done: None)
        self._on_replaced = on_replaced or (lambda line: None)
        self.channel = Channel()

    def __iter__(self) -> Iterator[Item]:
        parser: Any = DefusedExpatParser(forbid_dtd=True)
        handler = _Handler(self.channel, parser.getLineNumber)
        parser.setContentHandler(handler)
        try:
            for text in self._texts():
                # Bytes, not text: expat must not believe the encoding that the declaration names.
                parser.feed(text.encode("utf-8", "replace"))
                yield from handler.take()
            parser.close()
        except DefusedXmlException:
            line = parser.getLineNumber() or 1
            rule = (
                "has a document type or an entity of its own, which no export of WordPress has and which is not read."
            )
            raise invalid(line, rule, "Make the export again with WordPress's own tool.", "wxr.entities") from None
        except SAXParseException as error:
            raise self._damaged(error, handler) from None
        except SAXException as error:
            raise invalid(1, f"is not XML ({error.getMessage()[:80]}).", _AGAIN, "wxr.invalid") from None
        yield from handler.take()
        if not handler.is_rss or not self.channel.version:
            raise invalid(1, "is not an export of WordPress: it has no <wp:wxr_version>.", _TOOL, "wxr.not_wxr")

    def _texts(self) -> Iterator[str]:
        """The file as text without a byte order mark and without characters that XML forbids."""
        first = self._file.read(CHUNK_BYTES)
        name, first = _encoding(first)
        decoder = codecs.getincrementaldecoder(name)()
        done, line, chunk = 0, 1, first
        declared = True
        while True:
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = line + error.object[: error.start].count(b"\n")
                raise invalid(at, f"is not {name.upper()} text.", _ENCODING, "wxr.encoding") from None
            if declared and text:
                # Some exports begin with an empty line, which XML forbids before its declaration. Lines keep their numbers.
                text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text)
                declared = False
            if _FORBIDDEN.search(text):
                for found in _FORBIDDEN.finditer(text):
                    self._on_replaced(line + text.count("\n", 0, found.start()))
                text = _FORBIDDEN.sub("\ufffd", text)
            line += text.count("\n")
            done += len(chunk)
            self._on_bytes(done)
            yield text
            if not chunk:
                return
            chunk = self._file.read(CHUNK_BYTES)

    def _damaged(self, error: SAXParseException, handler: _Handler) -> ExportInvalid:
        line, reason = error.getLineNumber() or 1, error.getMessage()
        if reason in ("no element found", "unclosed token", "unclosed CDATA section"):
            if not handler.is_rss:
                return invalid(line, "is not an export of WordPress.", _TOOL, "wxr.not_wxr")
            return invalid(line, "ends too early: the file was cut off.", _AGAIN, "wxr.truncated")
        if not handler.is_rss:
            return invalid(line, f"is not XML ({reason}).", _TOOL, "wxr.not_wxr")
        return invalid(line, f"is damaged ({reason}).", _AGAIN, "wxr.invalid")


_AGAIN = "Make the export again, and compare the sizes."
_TOOL = "In WordPress: Tools, Export, All content; give that file."
_ENCODING = "Make the export again, or convert the file to UTF-8."


def _encoding(first: bytes) -> tuple[str, bytes]:
    """Name of the encoding by byte order mark or declaration, and the bytes without the mark."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if first.startswith(mark):
            return name, first[len(mark) :]
    if first[:2] in (b"PK", b"\x1f\x8b"):
        raise invalid(1, "is an archive without an export in it.", _TOOL, "wxr.not_wxr")
    declared = _DECLARED.match(first)
    given = declared[1].decode("ascii") if declared else "utf-8"
    try:
        name = codecs.lookup(given).name
    except LookupError:
        name = ""
    if name not in _ENCODINGS:
        raise invalid(1, f'says that its encoding is "{given}", which is not read here.', _ENCODING, "wxr.encoding")
    return ("utf-8" if name == "ascii" else name), first


class _Handler(ContentHandler):
    """Collects the item that is being read; finished ones are fetched with `take`."""

    def __init__(self, channel: Channel, line_now: Callable[[], int | None]) -> None:
        super().__init__()
        self._line_now = line_now
        self.is_rss = False
        self._channel = channel
        self._done: list[Item] = []
        self._item: Item | None = None
        self._depth = 0
        self._text: list[str] | None = None
        self._size = 0
        self._began = 0
        self._term: tuple[str, str] = ("", "")
        self._author: dict[str, str] = {}
        self._meta_key = ""

    def take(self) -> list[Item]:
        found, self._done = self._done, []
        return found

    def startElement(self, name: str, attributes: Any) -> None:
        self._depth += 1
        if self._depth == 1:
            self.is_rss = name == "rss"
            if not self.is_rss:
                raise invalid(self._line, "is not an export of WordPress.", _TOOL, "wxr.not_wxr")
        if self._depth > DEPTH_MAX:
            raise invalid(self._line, "is nested deeper than an export can be.", _AGAIN, "wxr.invalid")
        if name == "item":
            self._item = Item(self._line)
        elif name == "wp:author":
            self._author = {}
        elif name == "category":
            self._term = (attributes.get("domain", ""), attributes.get("nicename", ""))
        elif name == "wp:comment" and self._item is not None:
            self._item.comments += 1
        self._text, self._size, self._began = [], 0, self._line

    def characters(self, content: str) -> None:
        if self._text is None:
            return
        self._size += len(content)
        if self._size > FIELD_MAX:
            rule = f"has a text of more than {FIELD_MAX // 1024 // 1024} million characters."
            raise invalid(self._began, rule, "Shorten that post in WordPress, then export again.", "wxr.too_long")
        self._text.append(content)

    def endElement(self, name: str) -> None:
        self._depth -= 1
        text = "".join(self._text) if self._text is not None else ""
        self._text = None
        if name == "item":
            if self._item is not None:
                self._done.append(self._item)
            self._item = None
        elif self._item is not None:
            self._of_item(name, text)
        else:
            self._of_channel(name, text.strip())

    @property
    def _line(self) -> int:
        return self._line_now() or 1

    def _of_item(self, name: str, text: str) -> None:
        item = self._item
        assert item is not None  # noqa: S101 the caller looked
        if name in _ITEM_FIELDS:
            if name == "content:encoded":
                item.content_line = self._began
                item.content = text
            else:
                setattr(item, _ITEM_FIELDS[name], text if name == "excerpt:encoded" else text.strip())
        elif name == "category":
            if len(item.terms) < TERMS_MAX:
                domain, slug = self._term
                item.terms.append((domain[:TERM_LENGTH], slug[:TERM_LENGTH], text.strip()[:TERM_LENGTH]))
        elif name == "wp:meta_key":
            self._meta_key = text.strip()
        elif name == "wp:meta_value":
            wanted = self._meta_key in META or self._meta_key.startswith(MENU_META)
            if wanted and len(item.meta) < TERMS_MAX:
                item.meta[self._meta_key[:TERM_LENGTH]] = text[: 10 * TERM_LENGTH]
            self._meta_key = ""

    def _of_channel(self, name: str, text: str) -> None:
        channel = self._channel
        match name:
            case "wp:wxr_version":
                channel.version = text
                if text not in VERSIONS:
                    rule = f"says that it is version {text[:20]}; {', '.join(VERSIONS)} are read."
                    raise invalid(self._line, rule, "Ask for a newer release of Webstreet.", "wxr.version")
            case "title" if not channel.title:
                channel.title = text
            case "language":
                channel.language = text
            case "wp:base_site_url":
                channel.site_url = text
            case "wp:base_blog_url":
                channel.home_url = text
            case "wp:author_login" | "wp:author_display_name":
                self._author[name] = text
            case "wp:author":
                login = self._author.get("wp:author_login", "")
                if login:
                    channel.authors[login] = self._author.get("wp:author_display_name") or login
