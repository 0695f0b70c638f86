"""Opening a site and changing its wish: what is typed becomes a document, then we wait until it is seen to be so."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

from webstreet.cli.api import ControlApi, Json, nearest
from webstreet.cli.client import add_with, known_clients
from webstreet.cli.errors import FileUnreadable, SecretInArguments, SiteFailing, SiteSlow, UsageWrong
from webstreet.cli.output import note, say, show_json
from webstreet.cli.site_view import NO_MAIL, get_site, on_site
from webstreet.cli.steps import Steps
from webstreet.kernel.ids import SiteId

LOOK_EVERY_S = 0.3
FAILING_FOR_S = 20.0
"""A site that fails this long while we wait for it is not only starting badly: restarts were tried meanwhile."""


def pair(text: str, form: str) -> tuple[str, str]:
    """``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageWrong(f'"{text[:80]}" is not complete. Write {form}.')
    return name, value


def parameters(given: list[str], form: str = "--set ATOM.PARAMETER=VALUE") -> dict[str, dict[str, Any]]:
    """``atom.parameter=value``, repeated; values are YAML, so that true is a boolean and 5 a number. A date stays the text that it is."""
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        name, value = pair(text, form)
        atom, dot, parameter = name.partition(".")
        if not (atom and dot and parameter):
            raise UsageWrong(f'"{name[:80]}" names no parameter. Write {form}.')
        import yaml

        try:
            read = yaml.safe_load(value)
            read = value if isinstance(read, dt.date) else read
            json.dumps(read, allow_nan=False)
            found.setdefault(atom, {})[parameter] = read
        except (yaml.YAMLError, TypeError, ValueError, RecursionError):
            raise UsageWrong(f"The value of {name} cannot be read as YAML. Put quotes around it.") from None
    return found


def secret_files(given: list[str], form: str) -> dict[str, str]:
    """``NAME=FILE`` -> {name: what is in the file}."""
    return {name: read_secret(Path(path)) for name, path in (pair(text, form) for text in given)}


def email(url: str, file: Path | None) -> str:
    """The mail servers' URLs from one of two places; a password, or a provider's key, is only taken from a file."""
    if url and file:
        raise UsageWrong("Both --email-url and --email-url-file are given: remove one of them.")
    if any(_holds_secret(part) for part in url.split()):
        raise SecretInArguments(
            "A URL with a password on the command line can be read by every process of this machine."
            " Write it into a file and use --email-url-file FILE."
        )
    return read_secret(file) if file else url


def _holds_secret(url: str) -> bool:
    """Before an SMTP server's name stands a user, who is no secret without a password; before a provider's stands its key."""
    scheme, _, rest = url.partition("://")
    user, at, _ = rest.rpartition("@")
    return bool(at and user and (":" in user or not scheme.lower().startswith("smtp")))


def read_secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise FileUnreadable(f"{path} cannot be read: {reason}. Check the name of the file.") from None


def run(control: ControlApi, name: SiteId, wish: Json, *, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Record the wish; with ``wait`` show the steps until the site runs."""
    with Steps(f"Opening {name}", quiet=as_json) as steps:
        steps.now("Recording the wish")
        with nearest(name.client, lambda: known_clients(control), next_step=add_with(name.client)):
            site = control.post("sites", body=wish)
        if wait:
            site = until_state(control, name, "running", steps, timeout_s)
    warn_of_mail(site)
    if as_json:
        show_json(site)
    elif wait:
        say(f"{name} runs at {site['address']}")
        say(f"Write its first article: webstreet site login {name}")
    else:
        say(f"{name} is being opened. Watch it with: webstreet site status {name} --watch")


def change(
    control: ControlApi, name: SiteId, verb: str, until: str, *, wait: bool, timeout_s: float, as_json: bool
) -> None:
    """POST ``verb`` (suspend, resume); with ``wait`` until the site is seen in the state ``until``."""
    doing = {"suspend": "Suspending", "resume": "Resuming"}[verb]
    with Steps(f"{doing} {name}", quiet=as_json) as steps:
        steps.now("Recording the wish")
        on_site(control, name, lambda: control.post("sites", name.client, name.site, verb))
        site = until_state(control, name, until, steps, timeout_s) if wait else get_site(control, name)
    if as_json:
        show_json(site)
    elif site["state"] == until:
        where = f" at {site['address']}" if until == "running" else "; visitors are told to come back"
        say(f"{name} {'runs' if until == 'running' else 'is suspended'}{where}.")
    else:
        say(f"{name} is {site['state']}. Watch it with: webstreet site status {name} --watch")


def warn_of_mail(site: Json) -> None:
    """On standard error, when nobody named a mail server: mails that go nowhere must not surprise anybody."""
    if site.get("mail") == "none":
        note(f"Warning: {NO_MAIL}")


def what_happens(site: Json) -> str:
    """What a site that is not yet as wished does just now."""
    said = str(site.get("note") or site.get("next") or "Waiting for the control plane to look at it")
    return said.rstrip(".")


def until_state(control: ControlApi, name: SiteId, state: str, steps: Steps, timeout_s: float) -> Json:
    """Look until the site is in ``state``, naming each step by what the site says of itself."""
    failing_since: float | None = None
    while True:
        site = get_site(control, name)
        if site["state"] == state:
            return site
        if site["state"] == "failing":
            failing_since = failing_since or time.monotonic()
            if time.monotonic() - failing_since > FAILING_FOR_S:
                why = f" {what_happens(site)}." if site.get("note") or site.get("next") else ""
                raise SiteFailing(f"{name} does not come up.{why} See why with: webstreet site logs {name}")
        else:
            failing_since = None
        if steps.seconds > timeout_s:
            raise SiteSlow(
                f"{name} is still {site['state']} after {timeout_s:g} s, and goes on."
                f" Watch it with: webstreet site status {name} --watch"
            )
        step, _, detail = what_happens(site).partition(": ")
        steps.now(step[:1].upper() + step[1:])
        steps.detail(detail)
        time.sleep(LOOK_EVERY_S)
