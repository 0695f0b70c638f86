"""Settings that a site is given when it is opened, besides its stores and its mail server: by name, each with its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from webstreet.contract.base import closest, listed
from webstreet.contract.environment import (
    BOUNCE_MAILBOX_URL,
    DNS_SERVERS,
    EVENTS_PROVIDER,
    EVENTS_PROVIDERS,
    EVENTS_SECRET,
    FILES_URL,
)
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.models import Site, SiteSecret
from webstreet.control.sites.store_urls import LONGEST, TOKEN_SHORTEST
from webstreet.kernel.errors import Problem, Sentence
from webstreet.kernel.secret import Secret
from webstreet.mail.errors import MailboxUrlInvalid, NameServerInvalid
from webstreet.mail.lookup import Lookup
from webstreet.mail.mailbox import MailboxUrl

SECRET = (BOUNCE_MAILBOX_URL, EVENTS_SECRET)
PLAIN = (DNS_SERVERS, EVENTS_PROVIDER, FILES_URL)
"""Who may look at the site may read these."""
KNOWN = sorted((*SECRET, *PLAIN))


def problems(given: Mapping[str, Secret]) -> list[Problem]:
    """What is wrong with them, never with a value in the text."""
    found = []
    for name, value in given.items():
        path = f"settings.{name}"
        if name not in KNOWN:
            known = closest(name, KNOWN) or listed("setting.known", "Known: {known}.", KNOWN)
            found.append(
                Problem(path, Sentence.of("setting.unknown", "is no setting that a site can be given."), known)
            )
        elif rule := _RULES[name](value.reveal()):
            found.append(Problem(path, rule))
    if EVENTS_PROVIDER in given and EVENTS_SECRET not in given:
        rule = Sentence.of("setting.needs", "needs {other} as well.", other=EVENTS_SECRET)
        found.append(Problem(f"settings.{EVENTS_PROVIDER}", rule))
    return found


def _mailbox(text: str) -> str:
    try:
        if len(text) <= LONGEST:
            MailboxUrl.parse(text)
            return ""
    except MailboxUrlInvalid:
        pass
    return Sentence.of("store.url", "must be a URL like {example}.", example="imaps://user:password@host/INBOX")


def _secret(text: str) -> str:
    if TOKEN_SHORTEST <= len(text) <= LONGEST and all("!" <= letter <= "~" for letter in text):
        return ""
    return Sentence.of(
        "setting.random", "must have {least} or more random characters: ASCII, without spaces.", least=TOKEN_SHORTEST
    )


def _provider(text: str) -> str:
    if text in EVENTS_PROVIDERS:
        return ""
    return Sentence.of("parameter.choice", "must be one of: {allowed}.", allowed=", ".join(EVENTS_PROVIDERS))


def _servers(text: str) -> str:
    servers = [part.strip() for part in text.split(",")]
    try:
        if len(text) <= LONGEST:
            Lookup(servers)
            return ""
    except NameServerInvalid:
        pass
    example = "9.9.9.9, 127.0.0.1:5353"
    return Sentence.of("setting.servers", "must be addresses of name servers, as {example}.", example=example)


def _files(text: str) -> str:
    folder = _folder(text)
    if folder is None:
        return Sentence.of("store.url", "must be a URL like {example}.", example="file:///srv/blog")
    # Closed sites too: what they left there is not for another one to serve. Their secrets are forgotten, this record of them is not.
    for kept in Customization.objects.filter(kind=Customization.Kind.SETTING, name=FILES_URL):
        theirs = _folder(str(kept.after.get("value", "")))
        if theirs is not None and (folder.is_relative_to(theirs) or theirs.is_relative_to(folder)):
            return Sentence.of("setting.folder", "is a folder in which another site keeps its files.")
    return ""


def _folder(text: str) -> PurePosixPath | None:
    """The folder of ``file:///``; None for what is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    folder = PurePosixPath(unquote(parts.path))
    is_one = parts.scheme == "file" and not (parts.netloc or parts.query or parts.fragment) and folder.is_absolute()
    if (
        not is_one
        or ".." in folder.parts
        or len(folder.parts) < 2
        # To POSIX something else than one slash, and to this system the same folder.
        or folder.root != "/"
        or not str(folder).isprintable()
        or len(text) > LONGEST
    ):
        return None
    return folder


_RULES: Mapping[str, Callable[[str], str]] = {
    BOUNCE_MAILBOX_URL: _mailbox,
    DNS_SERVERS: _servers,
    EVENTS_PROVIDER: _provider,
    EVENTS_SECRET: _secret,
    FILES_URL: _files,
}


def keep(site: Site, given: Mapping[str, Secret]) -> None:
    """Encrypted all of them: a site gets each as a file."""
    for name, value in given.items():
        SiteSecret.put(site, name, value)


def shown(given: Mapping[str, Secret]) -> dict[str, str]:
    """Those that are no secrets."""
    return {name: given[name].reveal() for name in PLAIN if name in given}
