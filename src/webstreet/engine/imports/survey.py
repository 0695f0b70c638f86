"""What an export holds, noted on the way through it: in a file, so that the memory does not grow with the export."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from webstreet.engine.imports import KIND_LENGTH, KINDS_MAX, OTHER_KINDS
from webstreet.engine.imports.wxr import Channel, Item

_SIZE = re.compile(r"-(?:\d{1,5}x\d{1,5}|scaled|rotated)(?=\.[A-Za-z0-9]{2,5}$)")
UPLOADS = "/uploads/"
_TABLES = """
CREATE TABLE items (post_id TEXT PRIMARY KEY, type TEXT, line INTEGER, path TEXT, parent TEXT, title TEXT);
CREATE INDEX items_path ON items (path);
CREATE TABLE files (post_id TEXT PRIMARY KEY, key TEXT, path TEXT, url TEXT, title TEXT, alt TEXT, line INTEGER);
CREATE INDEX files_key ON files (key);
CREATE TABLE menu (post_id TEXT, menu TEXT, position INTEGER, type TEXT, target TEXT, url TEXT, title TEXT, parent TEXT, line INTEGER);
CREATE INDEX menu_menu ON menu (menu, line);
CREATE TABLE late (post_id TEXT PRIMARY KEY);
"""
TAKEN = ("post", "page", "attachment", "nav_menu_item")
"""Types of items that something is made of; others are counted."""
MENU_MAX = 200
"""Entries of all menus together that are taken; a menu of more is none that anybody reads."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of a menu. kind: "page", "post", "custom", or a taxonomy. target: the number it leads to. nested: below another entry."""

    number: str
    menu: str
    kind: str
    target: str
    url: str
    title: str
    nested: bool
    line: int


class Survey:
    """The items, files and menus of an export, without any body."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path)
        self._rows.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000;" + _TABLES)
        self.counts: Counter[str] = Counter(dict.fromkeys(TAKEN, 0))
        self.comments = 0
        self._hosts: set[str] = set()
        self._base_path = ""

    def close(self) -> None:
        self._rows.close()

    def add(self, item: Item) -> bool:
        """Note an item; False when its number was there before."""
        self.comments += item.comments
        values = (item.post_id, item.post_type, item.line, _path(item.link), item.parent, item.title)
        try:
            self._rows.execute("INSERT INTO items VALUES (?,?,?,?,?,?)", values)
        except sqlite3.IntegrityError:
            return False
        kind = item.post_type[:KIND_LENGTH]
        known = kind in self.counts or len(self.counts) < KINDS_MAX
        self.counts[kind if known else OTHER_KINDS] += 1
        if item.post_type == "attachment":
            url = item.attachment_url or item.link
            path = item.meta.get("_wp_attached_file", "") or _below_uploads(url)
            alt = item.meta.get("_wp_attachment_image_alt", "")
            self._rows.execute(
                "INSERT INTO files VALUES (?,?,?,?,?,?,?)",
                (item.post_id, _key(path), path, url, item.title, alt, item.line),
            )
        elif item.post_type == "nav_menu_item" and item.status == "publish":
            self._add_to_menu(item)
        return True

    def _add_to_menu(self, item: Item) -> None:
        meta = item.meta
        values = (
            item.post_id,
            next((slug for domain, slug, _ in item.terms if domain == "nav_menu"), ""),
            int(item.menu_order[:9]) if item.menu_order.isdecimal() else 0,
            meta.get("_menu_item_object", "") or meta.get("_menu_item_type", ""),
            meta.get("_menu_item_object_id", ""),
            meta.get("_menu_item_url", "").strip(),
            item.title,
            meta.get("_menu_item_menu_item_parent", ""),
            item.line,
        )
        self._rows.execute("INSERT INTO menu VALUES (?,?,?,?,?,?,?,?,?)", values)

    def know(self, channel: Channel) -> None:
        """Which addresses are the source's own."""
        for url in (channel.site_url, channel.home_url):
            parts = _parts(url)
            if parts is not None and parts.hostname:
                self._hosts.add(parts.hostname.removeprefix("www."))
                self._base_path = parts.path.rstrip("/")

    # -- Finding -------------------------------------------------------------------------------------------------------
    def is_first(self, item: Item) -> bool:
        row = self._rows.execute("SELECT line FROM items WHERE post_id = ?", (item.post_id,)).fetchone()
        return row is not None and row[0] == item.line

    def is_own(self, url: str) -> bool:
        """Whether an address leads to the source's site; also one without a host."""
        parts = _parts(url)
        if parts is None or parts.scheme not in ("", "http", "https"):
            return False
        return (not parts.hostname and url.startswith("/")) or (parts.hostname or "").removeprefix(
            "www."
        ) in self._hosts

    def is_home(self, url: str) -> bool:
        parts = _parts(url)
        return parts is not None and self.is_own(url) and not parts.query and parts.path.rstrip("/") == self._base_path

    def item_at(self, url: str) -> str:
        """The number of the post or page at an address of the source; "" for none."""
        parts = _parts(url)
        if parts is None or not self.is_own(url):
            return ""
        asked = parse_qs(parts.query)
        for name in ("p", "page_id"):
            if name in asked:
                return asked[name][0] if asked[name][0].isdecimal() else ""
        path = _path(url)
        row = (
            self._rows.execute("SELECT post_id FROM items WHERE path = ? ORDER BY line", (path,)).fetchone()
            if path
            else None
        )
        return str(row[0]) if row else ""

    def file_at(self, url: str) -> str:
        """The number of the attachment that an address of an upload shows, in whatever size."""
        path = _below_uploads(url)
        if not path:
            return ""
        row = self._rows.execute("SELECT post_id FROM files WHERE key = ? ORDER BY line", (_key(path),)).fetchone()
        return str(row[0]) if row else ""

    def files(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """(number, path below the uploads, address, title, what it shows, line) of each attachment."""
        rows = self._rows.cursor()
        yield from rows.execute("SELECT post_id, path, url, title, alt, line FROM files ORDER BY line")

    def menu(self) -> list[MenuEntry]:
        """The entries of every menu, menu by menu as the export has them, each in its order; at most `MENU_MAX`."""
        rows = self._rows.execute(
            "SELECT post_id, menu, type, target, url, title, parent NOT IN ('', '0'), line FROM menu AS entry"
            " ORDER BY (SELECT min(line) FROM menu WHERE menu.menu = entry.menu), position, line LIMIT ?",
            (MENU_MAX,),
        )
        return [
            MenuEntry(number, menu, kind, target, url, title, bool(nested), line)
            for number, menu, kind, target, url, title, nested, line in rows
        ]

    def menu_size(self) -> int:
        return int(self._rows.execute("SELECT count(*) FROM menu").fetchone()[0])

    def addresses(self) -> Iterator[tuple[str, str, int]]:
        """(number, path, line) of each post and page that had an address."""
        rows = self._rows.cursor()
        yield from rows.execute(
            "SELECT post_id, path, line FROM items WHERE path != '' AND type IN ('post', 'page') ORDER BY line"
        )

    def parents(self) -> Iterator[tuple[str, str]]:
        """(number, number of its parent) of each page below another."""
        yield from self._rows.cursor().execute(
            "SELECT post_id, parent FROM items WHERE type = 'page' AND parent NOT IN ('', '0') ORDER BY line"
        )

    # -- Bodies that point to what was not there yet ---------------------------------------------------------------------
    def note_late(self, post_id: str) -> None:
        self._rows.execute("INSERT OR IGNORE INTO late VALUES (?)", (post_id,))

    def is_late(self, post_id: str) -> bool:
        return self._rows.execute("SELECT 1 FROM late WHERE post_id = ?", (post_id,)).fetchone() is not None

    def late(self) -> int:
        return int(self._rows.execute("SELECT count(*) FROM late").fetchone()[0])


def _parts(url: str):  # type: ignore[no-untyped-def]
    try:
        parts = urlsplit(url.strip())
        parts.hostname, parts.port  # noqa: B018 both are read only when asked for, and may raise
    except ValueError:
        return None
    return parts


def _path(url: str) -> str:
    """The path of a permanent address, without a slash at its end; "" for an address by number."""
    parts = _parts(url)
    if parts is None or parts.query:
        return ""
    return unquote(parts.path).rstrip("/")


def _below_uploads(url: str) -> str:
    parts = _parts(url)
    path = unquote(parts.path) if parts is not None else ""
    return path.split(UPLOADS, 1)[1] if UPLOADS in path else ""


def _key(path: str) -> str:
    return _SIZE.sub("", path).lower()
