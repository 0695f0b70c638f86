"""Rich text of elsewhere, with nothing in it but what our own editor can write."""

from __future__ import annotations

import html
import re

import nh3

SCHEMES = {"http", "https", "mailto", "tel"}
_STORED_SCHEMES = SCHEMES | {"ftp", "ftps"}
"""What Django lets an editor write as an address, too."""
TAGS = frozenset(
    {"p", "h2", "h3", "h4", "b", "i", "s", "sup", "sub", "code", "ol", "ul", "li", "hr", "blockquote", "a", "br"}
)
LINKED = {"a": {"href", "linktype", "id"}}
_STORED_TAGS = {*TAGS, "embed"}
_STORED: dict[str, set[str]] = {
    **{name: {"data-block-key"} for name in TAGS},
    "a": {*LINKED["a"], "data-block-key"},
    "embed": {"embedtype", "id", "format", "alt", "url"},
}
_VOID = re.compile(r"<(br|hr|embed)( [^<>]*)?>")
_TAG = re.compile(r"""</?([a-z][a-z0-9]*)((?:[ ][a-z-]+="[^"<>]*")*)[ ]?/?>""")
_ATTRIBUTE = re.compile(r"""[ ]([a-z-]+)="([^"<>]*)\"""")
_CLEAN_CONTENT = {"script", "style"}


def of_words(markup: str) -> str:
    """Markup that we wrote ourselves of what was understood, cleaned once more."""
    return nh3.clean(markup, tags=set(TAGS), attributes=LINKED, link_rel=None, url_schemes=SCHEMES)


def of_wagtail(markup: str) -> str:
    """Rich text as Wagtail stores it: to the letter where it is as the editor writes it, else cleaned."""
    if _is_as_written(markup):
        return markup
    clean = nh3.clean(
        markup, tags=_STORED_TAGS, clean_content_tags=_CLEAN_CONTENT, attributes=_STORED, link_rel=None, url_schemes=_STORED_SCHEMES
    )  # fmt: skip
    # Wagtail knows its own <embed/> by the slash.
    return _VOID.sub(lambda found: f"<{found[1]}{found[2] or ''}/>", clean)


def may_be_linked(address: str) -> bool:
    """Whether an address may be put into ``href``: relative, or of a scheme that carries nothing out."""
    return _is_linked(html.escape(address))


def _is_as_written(markup: str) -> bool:
    """Whether every "<" begins a tag that is allowed, written so plainly that no two parsers can read it differently."""
    if "<" in _TAG.sub("", markup):
        return False
    for found in _TAG.finditer(markup):
        allowed = _STORED.get(found[1])
        if allowed is None:
            return False
        for name, value in _ATTRIBUTE.findall(found[2]):
            if name not in allowed or (name in ("href", "url") and not _is_linked(value)):
                return False
    return True


def _is_linked(escaped: str) -> bool:
    return "href=" in nh3.clean(f'<a href="{escaped}">x</a>', link_rel=None, url_schemes=_STORED_SCHEMES)
