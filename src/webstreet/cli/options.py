"""Options and arguments that several commands share, and the session that carries those of the program itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from webstreet.kernel.ids import SiteId, slug

if TYPE_CHECKING:
    from webstreet.cli.api import ControlApi


@dataclass(slots=True)
class Session:
    """What the options of the program say, before a command or after it: which control plane, which key."""

    url: str = ""
    key_file: str = ""

    def api(self, *, timeout_s: float = 30.0) -> ControlApi:
        from webstreet.cli.access import find
        from webstreet.cli.api import ControlApi

        return ControlApi(find(self.url, self.key_file), timeout_s=timeout_s)


def api(ctx: typer.Context) -> ControlApi:
    """The control plane of this command."""
    return ctx.ensure_object(Session).api()


def _known(ctx: typer.Context, *path: str) -> list[dict[str, Any]]:
    """For completion: what there is, or nothing at all; never an error in the middle of a line being typed."""
    from webstreet.kernel.errors import WebstreetError

    root = ctx.find_root().params
    try:
        return Session(root.get("url") or "", root.get("key_file") or "").api(timeout_s=1.0).items(*path)
    except WebstreetError:
        return []


def _clients(ctx: typer.Context, incomplete: str) -> list[str]:
    return [c["name"] for c in _known(ctx, "clients") if c["name"].startswith(incomplete)]


def _sites(ctx: typer.Context, incomplete: str) -> list[str]:
    names = [f"{s['client']}/{s['site']}" for s in _known(ctx, "sites")]
    return [name for name in names if name.startswith(incomplete)]


def _atoms(ctx: typer.Context, incomplete: str) -> list[str]:
    return [a["name"] for a in _known(ctx, "atoms") if a["name"].startswith(incomplete)]


def _templates(ctx: typer.Context, incomplete: str) -> list[str]:
    return [t["name"] for t in _known(ctx, "templates") if t["name"].startswith(incomplete)]


def site_id(text: str) -> SiteId:
    """CLIENT/SITE; a wrong one is answered with the one that was probably meant."""
    _, slash, site = text.partition("/")
    if slash and "/" not in site:
        return SiteId.parse(text)
    from webstreet.kernel.ids import NameInvalid, nearest_slug

    parts = [nearest_slug(part) for part in re.split(r"[/\\:. ]+", text) if nearest_slug(part)]
    hint = f' Try "{parts[0]}/{parts[1]}".' if len(parts) == 2 else " Write CLIENT/SITE, as in acme/blog."
    raise NameInvalid(f'"{text[:80]}" is not the full name of a site.{hint}', code="site.name_invalid")


def client_name(text: str) -> str:
    return slug(text, what="client")


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else.")]
SiteName = Annotated[
    str, typer.Argument(metavar="CLIENT/SITE", help="Full name of the site, as in acme/blog.", autocompletion=_sites)
]
ClientName = Annotated[
    str, typer.Argument(metavar="CLIENT", help="Name of the client, as in acme.", autocompletion=_clients)
]
AtomName = Annotated[str, typer.Argument(metavar="ATOM", help="Name of the atom.", autocompletion=_atoms)]
TemplateName = Annotated[
    str, typer.Argument(metavar="TEMPLATE", help="Name of the template.", autocompletion=_templates)
]
TemplateOption = Annotated[
    str,
    typer.Option("--template", metavar="NAME", help="Template to start from.", autocompletion=_templates),
]
