"""Every setting that controls a site or the control plane: the settings of the configuration control dictionary.

The texts are English here and translated where they are shown (``gettext(setting.meaning)``). A test compares the table with what the
programs read, so that none is missing and none is left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from django.utils.translation import gettext

from webstreet.contract.atom import AtomManifest
from webstreet.contract.release import ReleaseManifest
from webstreet.mail.url import PROVIDERS


def _(text: str) -> str:
    """Marks a text for translators. Django's own mark asks for its settings, and the docs are made without any."""
    return text


SITE, CONTROL, COMMAND_LINE = "site", "control", "command-line"

OPERATOR = _("operator")
CLIENT_ADMIN = _("operator, client admin")
OPENER = _("operator, when the site is opened")
WEBSTREET = _("Webstreet itself")
CALLER = _("whoever types the command")

IN_DATABASE = _("the control plane's database; the site gets it in site.yaml")
IN_VAULT = _("encrypted in the control plane's database; the site gets it as a file of mode 0600")
IN_SITE_ENVIRONMENT = _("the environment of the site's processes")
IN_ENVIRONMENT = _("the environment of the control plane")
IN_SHELL = _("the environment of the command")

EXCHANGED = _("The site's processes are exchanged for new ones; no request is lost.")
NEVER = _("It cannot be changed.")
AT_START = _("It takes effect when the control plane is started again; sites go on meanwhile.")
AT_ONCE = _("It holds for the next command.")
TOLD_ANEW = _("After a new start of the control plane the sites concerned get it, and their processes are exchanged.")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line.

    Attributes:
        scope: whom it controls: "site", "control" (the control plane) or "command-line".
        values: what it may be; default: what holds when nobody sets it.
        who: who may change it. stored: where it is kept. effect: what happens when it is changed.
        restarts: whether processes are started anew by a change.
        secret: whether its value is never shown.
    """

    name: str
    scope: str
    meaning: str
    values: str
    default: str
    who: str
    stored: str
    effect: str
    restarts: bool = True
    secret: bool = False

    def said(self) -> dict[str, Any]:
        """Its fields in the language of whoever reads them."""
        texts = {name: getattr(self, name) for name in ("meaning", "values", "default", "who", "stored", "effect")}
        shown = {name: gettext(text) if text else "" for name, text in texts.items()}
        return {"name": self.name, "scope": self.scope, "restarts": self.restarts, "secret": self.secret} | shown


def _manifest(name: str, meaning: str, values: str, default: str, **more: Any) -> Setting:
    fixed: dict[str, Any] = {"who": OPENER, "stored": IN_DATABASE, "effect": NEVER, "restarts": False}
    return Setting(name, SITE, meaning, values, default, **(fixed | more))


def _variable(name: str, meaning: str, values: str, default: str, **more: Any) -> Setting:
    usual: dict[str, Any] = {"who": WEBSTREET, "stored": IN_SITE_ENVIRONMENT, "effect": EXCHANGED}
    return Setting(name, SITE, meaning, values, default, **(usual | more))


def _control(name: str, meaning: str, values: str, default: str, **more: Any) -> Setting:
    usual: dict[str, Any] = {"who": OPERATOR, "stored": IN_ENVIRONMENT, "effect": AT_START}
    return Setting(name, CONTROL, meaning, values, default, **(usual | more))


def _command(name: str, meaning: str, values: str, default: str) -> Setting:
    return Setting(name, COMMAND_LINE, meaning, values, default, CALLER, IN_SHELL, AT_ONCE, restarts=False)


SECRET: dict[str, Any] = {"who": OPENER, "stored": IN_VAULT, "effect": NEVER, "restarts": False, "secret": True}
EMAIL_URLS = ", ".join(f"{scheme}://" for scheme in ("smtp", "smtp+tls", "smtps", *PROVIDERS))
GIVEN = SECRET | {"secret": False}
FIXED = (
    _manifest("contract", _("Version of the documents that control plane and site exchange."), "1", "1", who=WEBSTREET),
    _manifest("client", _("The client that the site is hosted for."), _("name of a client"), ""),
    _manifest("site", _("Name of the site, once a client."), _("lower-case letters, digits, hyphens"), ""),
    _manifest("title", _("What readers see as the site's name."), _("1 to 200 characters"), _("made from the name")),
    _manifest("template", _("What the site was made from."), _("name of a template"), "publication"),
    _manifest("languages", _("Languages of the site; the first is the default."), "en, fr", "en"),
    _manifest("domains", _("Host names of the site; the first is the canonical one."), _("domains"), _("none")),
    _manifest(
        "atoms",
        _("The atoms of the site and their parameters; each parameter has its own line."),
        _("atoms of the release"),
        _("the template's"),
        who=CLIENT_ADMIN,
        effect=EXCHANGED,
        restarts=True,
    ),
    _manifest("residency", _("Where the data of each sensitive atom live."), "hosted, client", "hosted"),
    _variable("SITE_MANIFEST", _("Path of site.yaml."), _("path"), "site.yaml"),
    _variable(
        "DATA_DIR", _("Folder of everything embedded: SQLite files, uploads."), _("path"), _("“data” beside site.yaml")
    ),
    _variable(
        "BASE_URL",
        _("Address under which readers reach the site, used in mails and feeds."),
        _("URL"),
        _("https:// and the first domain"),
        effect=TOLD_ANEW,
    ),
    _variable(
        "DATABASE_URL",
        _("Database of the site."),
        "postgresql://, mariadb://, mysql://, sqlite:///",
        _("SQLite in DATA_DIR"),
        **SECRET,
    ),
    _variable(
        "REDIS_URL",
        _("Cache and wake-up of the task queue."),
        "redis://, rediss://",
        _("the installation's, else cache in the process, queue in the database"),
        who=OPERATOR,
        stored=IN_VAULT,
        effect=TOLD_ANEW,
        secret=True,
    ),
    _variable(
        "EMAIL_URL",
        _("Mail server of the site."),
        EMAIL_URLS,
        _("the installation's, else smtp://localhost:25"),
        **SECRET,
    ),
    _variable(
        "BOUNCE_MAILBOX_URL",
        _("Mailbox that is read for mails that came back and for complaints."),
        "imaps://, imap+tls://",
        _("none is read"),
        **SECRET,
    ),
    _variable(
        "EVENTS_SECRET",
        _("Signs what mail servers and providers tell of mails, at /api/newsletter/events."),
        _("at least 20 random characters"),
        _("none: nothing is taken there"),
        **SECRET,
    ),
    _variable(
        "EVENTS_PROVIDER",
        _("Mail provider that posts what becomes of mails, in its own form; EVENTS_SECRET is its key."),
        "brevo, mailgun, mailjet, mailtrap, postal, postmark, sparkpost",
        _("none"),
        **GIVEN,
    ),
    _variable(
        "FILES_URL",
        _("Where uploaded files are kept."),
        "file:///",
        _("files in DATA_DIR"),
        **GIVEN,
    ),
    _variable(
        "SECRET_KEY",
        _("Signs sessions and links of the site."),
        _("at least 50 random characters"),
        _("made when the site is opened"),
        **(SECRET | {"who": WEBSTREET}),
    ),
    _variable(
        "TRUSTED_PROXIES",
        _("Networks whose X-Forwarded-For and X-Forwarded-Proto are believed."),
        _("networks, separated by commas"),
        _("none"),
        effect=TOLD_ANEW,
    ),
    _variable(
        "METRICS_TOKEN",
        _("Who shows this as a bearer token may read /-/metrics from anywhere."),
        _("random characters"),
        _("the installation's, else none: neighbours only"),
        who=OPERATOR,
        stored=IN_VAULT,
        effect=TOLD_ANEW,
        secret=True,
    ),
    _variable(
        "DNS_SERVERS",
        _(
            "Name servers that are asked about the newsletter's sender, and about readers' domains where providers are limited."
        ),
        _("comma-separated addresses, as 9.9.9.9 or 127.0.0.1:5353"),
        _("the system's"),
        **GIVEN,
    ),
    _variable("IMAGE_DIGEST", _("Digest of the image that the processes were started from."), _("digest"), _("none")),
    _variable("GENERATION", _("Number of the wish that the processes were started for."), _("number"), _("none")),
    _control(
        "WEBSTREET_STATE",
        _("Folder of the control plane; only its user may read it."),
        _("path"),
        "~/.local/share/webstreet",
    ),
    _control(
        "DATABASE_URL", _("Database of the control plane."), "postgresql://", _("SQLite in the folder"), secret=True
    ),
    _control(
        "WEBSTREET_HOSTS",
        _("Names under which people reach console and API over TLS, besides this machine's loopback."),
        _("host names, separated by commas"),
        _("none"),
    ),
    _control(
        "WEBSTREET_TRUSTED_PROXIES",
        _("Networks of the proxies in front of control plane and sites; only what they forward is believed."),
        _("networks, separated by commas"),
        _("none"),
        effect=TOLD_ANEW,
    ),
    _control(
        "WEBSTREET_SITES_BASE_URL",
        _("Where readers reach a site that has a domain."),
        "https://{domain}",
        _("the local address"),
        effect=TOLD_ANEW,
    ),
    _control(
        "WEBSTREET_SITE_EMAIL_URL",
        _("Mail server of the sites that name none of their own."),
        EMAIL_URLS,
        _("none: mails go to smtp://localhost:25, and wait if nothing listens there"),
        effect=TOLD_ANEW,
        secret=True,
    ),
    _control(
        "WEBSTREET_SITE_REDIS_URL",
        _("Redis of all sites; each keeps to keys and queues of its own name there."),
        "redis://, rediss://",
        _("none: cache in the process, queue in the database"),
        effect=TOLD_ANEW,
        secret=True,
    ),
    _control(
        "WEBSTREET_SITE_METRICS_TOKEN",
        _("Who shows this as a bearer token may read /-/metrics of every site from anywhere."),
        _("at least 20 random characters"),
        _("none: neighbours only"),
        effect=TOLD_ANEW,
        secret=True,
    ),
    _control(
        "WEBSTREET_SECOND_FACTOR",
        _("Whether operators need a second factor to work in the console."),
        "optional, required",
        "optional",
    ),
    _control("WEBSTREET_MAX_IMPORT_MB", _("The largest file that can be imported, in MB."), _("number"), "4096"),
    _control("WEBSTREET_MAX_IMPORT_MINUTES", _("The longest that an import may take, in minutes."), _("number"), "120"),
    _control("WEBSTREET_IMPORTS_AT_ONCE", _("How many imports run at once; of each client one."), _("number"), "4"),
    _control(
        "WEBSTREET_MAX_FETCH_FILES", _("How many files one import may fetch from the old site."), _("number"), "5000"
    ),
    _control(
        "WEBSTREET_MAX_FETCH_MB", _("How much one import may fetch from the old site, in MB."), _("number"), "2048"
    ),
    _control(
        "WEBSTREET_MAX_FETCH_MINUTES",
        _("How long one import may fetch from the old site, in minutes."),
        _("number"),
        "30",
    ),
    _command(
        "WEBSTREET_URL", _("Address of the control plane for the command line."), _("URL"), _("the one on this machine")
    ),
    _command(
        "WEBSTREET_KEY_FILE",
        _("File with the key, readable by its owner only."),
        _("path"),
        _("operator.key in the folder"),
    ),
)


TYPES = {
    "string": _("string"),
    "integer": _("integer"),
    "number": _("number"),
    "boolean": _("boolean"),
    "array": _("array"),
    "object": _("object"),
}
"""JSON Schema's words, which people who are not programmers read in the console."""


def settings(release: ReleaseManifest, word: Callable[[str], str] = str) -> list[Setting]:
    """The whole table: what is fixed, and what the atoms of ``release`` add.

    Args:
        word: says the name of a type in another language.
    """
    return [*FIXED, *(one for atom in release.atoms for one in _of_atom(atom, word))]


def _of_atom(atom: AtomManifest, word: Callable[[str], str]) -> Iterator[Setting]:
    for name, schema in atom.parameters.get("properties", {}).items():
        yield Setting(
            f"{atom.name}.{name}", SITE, str(schema.get("description", "")), takes(schema, atom.parameters, word), default_of(schema),
            CLIENT_ADMIN, IN_DATABASE, EXCHANGED,
        )  # fmt: skip
    if atom.sensitive:
        meaning = _("Database of this sensitive atom alone; the client's own where its data live at the client.")
        values, default = (
            "postgresql://, mysql://, sqlite:///",
            _("in the site's database server, or an SQLite file apart"),
        )
        yield _variable(atom.database_variable, meaning, values, default, **SECRET)


def takes(schema: dict[str, Any], whole: dict[str, Any], word: Callable[[str], str] = str) -> str:
    """What a parameter may be, in a few words: its choices, or its type and limits. ``word``: see `settings`."""
    if "$ref" in schema:
        schema = whole.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], {}) | {
            k: v for k, v in schema.items() if k != "$ref"
        }
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        parts = [takes(part, whole, word) for part in schema["anyOf"] if part.get("type") != "null"]
        return " | ".join(parts)
    kind = str(schema.get("type", "any"))
    return " ".join(part for part in (word(TYPES.get(kind, kind)), _limits(schema)) if part)


def _limits(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    if low is None and high is None:
        return ""
    return f"≤ {high}" if low is None else f"≥ {low}" if high is None else f"{low} – {high}"


def default_of(schema: dict[str, Any]) -> str:
    """The default in words; empty where nothing is the default."""
    return in_words(schema.get("default"))


def in_words(value: object) -> str:
    """A parameter's value as a person would write it in site.yaml; empty for nothing."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True).strip().removesuffix("\n...")
