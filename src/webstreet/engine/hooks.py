"""Where atoms meet: named places where one part of the site asks all others.

The table `HOOKS` is closed: a name that is not in it is a mistake. Receivers are called in the order of ``order``, then of
registration (the manifest's order of atoms).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from webstreet.kernel.errors import Broken

Receiver = TypeVar("Receiver", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Hook:
    """A name's signature, for people, and what is expected of a receiver."""

    signature: str
    doc: str


HOOKS: dict[str, Hook] = {
    "article_first_public": Hook(
        "(uuid: UUID) -> None",
        "Content became live and public for the first time ever. After commit, at least once: be idempotent.",
    ),
    "render_announcement": Hook(
        "(uuid: UUID) -> engine.announcements.Announcement | None",
        "What a mail about this content says; None when it is not ours or no longer live and public.",
    ),
    "slot": Hook(
        "(name: str, request, context: dict) -> SafeString",
        'A piece of a page: "header", "menu", "after_article", "home_after", "footer", "site_footer". Cacheable: no session,'
        ' no CSRF cookie. "" for nothing.',
    ),
    "head": Hook(
        "(request, context: dict) -> SafeString", "Elements for a page's head (feeds, metadata). Cacheable like a slot."
    ),
    "file_visible": Hook(
        "(request, path: str) -> bool | None",
        "Whether this reader may have the uploaded file at this path below MEDIA_URL; None when it is not ours to say."
        " Who shows the file to this reader says True, and one True is enough; otherwise one False is a 404.",
    ),
    "menu_items": Hook("(request) -> list[tuple[str, str]]", "Label and URL of what belongs in the site's menu."),
    "page_blocks": Hook(
        "() -> list[tuple[str, wagtail.blocks.Block]]",
        "Blocks that editors may put into a page's body. Called at import.",
    ),
    "import_articles": Hook(
        "(records: Iterable[imports.ArticleRecord], ctx: imports.ImportContext) -> None",
        "Take articles from elsewhere; idempotent by ctx.source and record.external_id. Runs inside a transaction.",
    ),
    "import_pages": Hook(
        "(records: Iterable[imports.PageRecord], ctx: imports.ImportContext) -> None",
        "Take pages that stay from elsewhere; idempotent by ctx.source and record.external_id. Runs inside a transaction.",
    ),
    "import_menu": Hook(
        "(records: Iterable[imports.MenuRecord], ctx: imports.ImportContext) -> None",
        "Take the entries of a menu from elsewhere; idempotent by ctx.source and record.external_id. Runs inside a transaction.",
    ),
    "import_subscribers": Hook(
        "(records: Iterable[imports.SubscriberRecord], ctx: imports.ImportContext) -> None",
        "Take subscribers from elsewhere; idempotent by ctx.source and record.external_id. Runs inside a transaction.",
    ),
    "export_kinds": Hook(
        "() -> list[exports.Kind]",
        "Models of the default database that an export holds, besides pages; what is referred to before what refers to it.",
    ),
    "export_rows": Hook(
        "() -> list[exports.Rows]",
        "What an atom writes into an export, and reads back, by itself: its tables live elsewhere.",
    ),
    "starter_content": Hook(
        "(manifest: SiteManifest, template: TemplateManifest | None) -> None",
        "Make what a new site starts with. Called by every prepare that finds something new: be idempotent.",
    ),
    "dashboard_panels": Hook("(request) -> list[SafeString]", "Panels of the admin's first page."),
    "metrics": Hook(
        "() -> Iterable[engine.metrics.Figure]", "What ``/-/metrics`` tells of an atom. Counts only, of nobody."
    ),
    "ready_parts": Hook("() -> list[contract.health.Part]", "What readiness shows of an atom."),
}


class HookUnknown(Broken):
    """A name that is not in `HOOKS`."""

    code = "hook.unknown"


_receivers: dict[str, list[tuple[int, int, Callable[..., Any]]]] = {}


def register(name: str, *, order: int = 0) -> Callable[[Receiver], Receiver]:
    """``@hooks.register("slot")`` on a function; lower ``order`` first."""
    _known(name)

    def decorate(receiver: Receiver) -> Receiver:
        found = _receivers.setdefault(name, [])
        if all(r is not receiver for _, _, r in found):
            found.append((order, len(found), receiver))
            found.sort(key=lambda entry: entry[:2])
        return receiver

    return decorate


def unregister(name: str, receiver: Callable[..., Any]) -> None:
    """Forget a receiver; for tests."""
    _known(name)
    _receivers[name] = [entry for entry in _receivers.get(name, []) if entry[2] is not receiver]


def call(name: str, *args: Any, **kwargs: Any) -> list[Any]:
    """The answers of every receiver, in order. An exception of one of them is the caller's."""
    _known(name)
    return [receiver(*args, **kwargs) for _, _, receiver in _receivers.get(name, [])]


def first(name: str, *args: Any, **kwargs: Any) -> Any:
    """The first answer that is not None; later receivers are not asked."""
    _known(name)
    for _, _, receiver in _receivers.get(name, []):
        answer = receiver(*args, **kwargs)
        if answer is not None:
            return answer
    return None


def receivers(name: str) -> list[Callable[..., Any]]:
    """The receivers in their order, for a caller that treats the failure of each by itself."""
    _known(name)
    return [receiver for _, _, receiver in _receivers.get(name, [])]


def has(name: str) -> bool:
    """Whether anybody listens."""
    _known(name)
    return bool(_receivers.get(name))


def _known(name: str) -> None:
    if name not in HOOKS:
        raise HookUnknown(f'There is no hook "{name}": the hooks are {", ".join(HOOKS)}.')
