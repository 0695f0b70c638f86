"""The environment and site.yaml, read once into values. Pure but for reading the files named; no Django."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from webstreet.contract import environment as names
from webstreet.contract.environment import SettingInvalid, read
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.site import MANIFEST_NAME, SiteManifest
from webstreet.kernel.secret import Secret
from webstreet.mail.mailbox import MailboxUrl
from webstreet.mail.url import DEFAULT_EMAIL_URL, EmailUrl

SECRET_KEY_LENGTH = 50
EVENTS_SECRET_LENGTH = 20
KEY_FILE = "secret.key"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything settings are made of.

    Attributes:
        database_urls: alias -> URL; an alias that is absent is embedded.
        files_urls: "default" or atom -> folder.
        manifest_digest: ``sha256:`` and the hash of site.yaml's bytes.
    """

    manifest: SiteManifest
    manifest_digest: str
    release: ReleaseManifest
    data_dir: Path
    base_url: str
    database_urls: Mapping[str, str]
    redis_url: str
    mail: Sequence[EmailUrl]
    files: Mapping[str, Path]
    secret_key: str
    trusted_proxies: str
    metrics_token: Secret
    image_digest: str
    generation: int

    @property
    def sensitive_atoms(self) -> list[str]:
        """The sensitive atoms of this site, in the manifest's order: each has a database alias of its name."""
        return [name for name in self.manifest.atoms if self.release.by_name[name].sensitive]


def load(environ: Mapping[str, str], release: ReleaseManifest) -> Environment:
    """Read and check everything.

    Raises:
        SettingInvalid, EmailUrlInvalid, MailboxUrlInvalid: a variable is missing or cannot be used.
        DocumentInvalid: site.yaml is wrong; every problem is listed.
    """
    manifest, path, digest = _manifest(environ, release)
    data_dir = Path(read(environ, names.DATA_DIR) or path.parent / "data").resolve()
    databases, files = {}, {}
    for alias, variable in _store_variables(manifest, release, "database_variable", names.DATABASE_URL):
        if url := read(environ, variable):
            databases[alias] = url
    for alias, variable in _store_variables(manifest, release, "files_variable", names.FILES_URL):
        if url := read(environ, variable):
            files[alias] = _folder(variable, url)
    for atom, where in manifest.residency.items():
        variable = release.by_name[atom].database_variable
        if where == "client" and atom not in databases:
            raise SettingInvalid(
                f"site.yaml keeps {atom} at the client, but {variable} is not set: give the URL of the client's database.",
                code="residency.database_missing",
            )
    redis_url = read(environ, names.REDIS_URL)
    if redis_url and urlsplit(redis_url).scheme not in ("redis", "rediss"):
        raise SettingInvalid("REDIS_URL must start with redis:// or rediss://.", code="setting.redis_url")
    _check_events(environ)
    embedded = not (databases or redis_url or files)
    return Environment(
        manifest=manifest,
        manifest_digest=digest,
        release=release,
        data_dir=data_dir,
        base_url=_base_url(read(environ, names.BASE_URL), manifest),
        database_urls=databases,
        redis_url=redis_url,
        mail=EmailUrl.parse_all(read(environ, names.EMAIL_URL, DEFAULT_EMAIL_URL)),
        files=files,
        secret_key=_secret_key(read(environ, names.SECRET_KEY), data_dir, embedded),
        trusted_proxies=read(environ, names.TRUSTED_PROXIES),
        metrics_token=Secret(read(environ, names.METRICS_TOKEN)),
        image_digest=read(environ, names.IMAGE_DIGEST),
        generation=_integer(names.GENERATION, read(environ, names.GENERATION, "0")),
    )


def _check_events(environ: Mapping[str, str]) -> None:
    """What the newsletter hears of its mails by. It reads both itself; what cannot be used is said at the start."""
    if url := read(environ, names.BOUNCE_MAILBOX_URL):
        MailboxUrl.parse(url)
    secret = read(environ, names.EVENTS_SECRET)
    if secret and len(secret) < EVENTS_SECRET_LENGTH:
        raise SettingInvalid(
            f"EVENTS_SECRET must have {EVENTS_SECRET_LENGTH} or more random characters.", code="setting.events_secret"
        )
    provider = read(environ, names.EVENTS_PROVIDER)
    if provider and (provider not in names.EVENTS_PROVIDERS or not secret):
        raise SettingInvalid(
            f"EVENTS_PROVIDER must be one of {', '.join(names.EVENTS_PROVIDERS)}, and needs EVENTS_SECRET.",
            code="setting.events_provider",
        )


def _manifest(environ: Mapping[str, str], release: ReleaseManifest) -> tuple[SiteManifest, Path, str]:
    given = environ.get(names.SITE_MANIFEST, "")
    if not given:
        raise SettingInvalid(
            f"SITE_MANIFEST is not set: give the path of the site's {MANIFEST_NAME}.", code="manifest.unset"
        )
    path = Path(given).resolve()
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        raise SettingInvalid(
            f"SITE_MANIFEST names {path}, which cannot be read: {error.strerror}.", code="manifest.unreadable"
        ) from None
    except UnicodeDecodeError:
        raise SettingInvalid(f"{path} is not UTF-8 text: save it as UTF-8.", code="manifest.unreadable") from None
    manifest = SiteManifest.read_yaml(text, name=MANIFEST_NAME).check(release)
    return manifest, path, f"sha256:{hashlib.sha256(content).hexdigest()}"


def _store_variables(
    manifest: SiteManifest, release: ReleaseManifest, attribute: str, default: str
) -> list[tuple[str, str]]:
    atoms = [release.by_name[name] for name in manifest.atoms]
    return [("default", default), *((a.name, getattr(a, attribute)) for a in atoms if a.sensitive)]


def _base_url(text: str, manifest: SiteManifest) -> str:
    if not text:
        return f"https://{manifest.domains[0]}" if manifest.domains else "http://localhost:8000"
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise SettingInvalid(
            "BASE_URL must be scheme and host only, as in https://blog.example.com.", code="setting.base_url"
        )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def allowed_hosts(manifest: SiteManifest, base_url: str) -> list[str]:
    """Host names that requests may name: the site's domains, the host of the base URL, this machine if that is on loopback."""
    host = urlsplit(base_url).hostname or ""
    host = f"[{host}]" if ":" in host else host
    local = LOOPBACK_HOSTS if host in LOOPBACK_HOSTS else ()
    return list(dict.fromkeys([*manifest.domains, host, *local]))


def _folder(variable: str, url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
        raise SettingInvalid(f"{variable} must be file:/// and an absolute path.", code="setting.files_url")
    return Path(unquote(parts.path))


def _integer(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise SettingInvalid(f"{name} must be a whole number.")
    return int(text)


def _secret_key(given: str, data_dir: Path, embedded: bool) -> str:
    if given:
        if len(given) < SECRET_KEY_LENGTH:
            raise SettingInvalid(
                f"SECRET_KEY has {len(given)} characters: use at least {SECRET_KEY_LENGTH} of randomness.",
                code="setting.secret_key",
            )
        return given
    if not embedded:
        raise SettingInvalid(
            "SECRET_KEY is not set: a site that uses servers of its own needs one that all its processes share.",
            code="setting.secret_key",
        )
    return _kept_key(data_dir)


def _kept_key(data_dir: Path) -> str:
    """The key in DATA_DIR, made once. Two processes that start together get the same one: the link below succeeds once."""
    path = data_dir / KEY_FILE
    if not path.exists():
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = data_dir / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(64))
                file.flush()
                os.fsync(descriptor)
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        except OSError as error:
            raise SettingInvalid(
                f"DATA_DIR {data_dir} cannot be written: {error.strerror}.", code="setting.data_dir"
            ) from None
    try:
        return path.read_text("ascii").strip()
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.", code="setting.data_dir") from None
