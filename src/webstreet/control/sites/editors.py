"""One-time links into a site's own admin: asked of the site's engine, never made here."""

from __future__ import annotations

import datetime as dt
import re

from webstreet.contract.jobs import Failure, LoginLink, read_line
from webstreet.control.journal.models import note
from webstreet.control.orchestrators.base import SiteState
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import errors
from webstreet.control.sites.models import Site
from webstreet.kernel.errors import BadInput, NotFound, WebstreetError

EMAIL = re.compile(r"[^\s@<>\"'\\-][^\s@<>\"'\\]*@[^\s@<>\"'\\]+\Z")
PATH = re.compile(r"/(?![/\\])[!-~]*\Z")

LINK_WITHIN_S = 60.0


def editor_link(
    site: Site, *, email: str, next: str, by: str, create: bool = False, reset: bool = False
) -> tuple[str, dt.datetime]:
    """The URL and when it stops working. ``create``: an unknown address becomes an editor with every right. ``reset``: the editor's second
    factor is lost, and is taken away.

    Raises:
        BadInput: the address or path is not one. SiteNotRunning: try again when it runs. LoginLinkFailed: the site's log says why.
        NotFound: nobody edits the site under that address.
    """
    if email and not EMAIL.match(email):
        raise BadInput("That is not a mail address.", code="login_link.email_invalid")
    if next and not PATH.match(next):
        raise BadInput("The page to land on is a path of the site, as in /admin/.", code="login_link.next_invalid")
    if site.seen_state != SiteState.RUNNING or not site.seen_address:
        raise errors.SiteNotRunning(f"{site} does not run, so nobody can log in to it now. Its state says why.")
    command = ["login-link", *(["--email", email] if email else []), *(["--next", next] if next else [])]
    command += ["--create"] if create else []
    command += ["--reset-second-factor"] if reset else []
    result = orchestrator_for(site.cluster).run(site.site_id, command, timeout_s=LINK_WITHIN_S)
    link = _read(result.stdout)
    what = "site.factors_reset" if reset else "site.login_link_made"
    note(by, what, client=site.client.name, object=str(site))
    return site.address.rstrip("/") + link.path, dt.datetime.fromisoformat(link.expires_at)


def _read(output: str) -> LoginLink:
    for line in reversed(output.splitlines()):
        found = read_line(line)
        if isinstance(found, LoginLink):
            return found
        if isinstance(found, Failure):
            raise _refused(found)
    raise errors.LoginLinkFailed("The site gave no login link. Its log says why.")


def _refused(failure: Failure) -> WebstreetError:
    kind = NotFound if failure.code.endswith(".missing") else BadInput
    return kind(failure.message, code=failure.code)
