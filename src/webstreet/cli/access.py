"""Where the control plane is, and the key to it.

Address: ``--url``, ``WEBSTREET_URL``, else ``control.json`` of the state folder (``WEBSTREET_STATE``, default
``~/.local/share/webstreet``). Key: ``--key-file``, ``WEBSTREET_KEY_FILE``, else ``operator.key`` of the state folder, and that
one only for the control plane of that folder: a key is not shown to a stranger.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from webstreet.cli.errors import ControlUnreachable, KeyExposed, KeyMissing, UsageWrong
from webstreet.kernel.secret import Secret

START = "Start it with: webstreet control run"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one control plane."""

    url: str
    key: Secret


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    named = environ.get("WEBSTREET_STATE", "")
    return Path(named).expanduser() if named else Path.home() / ".local" / "share" / "webstreet"


def running_control(environ: Mapping[str, str] = os.environ) -> dict[str, object]:
    """What ``control.json`` says (``url``, ``pid``); empty if there is none."""
    try:
        found = json.loads((state_folder(environ) / "control.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def find(url: str = "", key_file: str = "", environ: Mapping[str, str] = os.environ) -> Access:
    """Raises `ControlUnreachable`, `KeyMissing`, `KeyExposed` or `UsageWrong`, each with what to do."""
    url = url or environ.get("WEBSTREET_URL", "")
    local = str(running_control(environ).get("url", ""))
    url = (url or local).rstrip("/")
    if not url:
        folder = state_folder(environ)
        raise ControlUnreachable(f"No control plane runs on this machine (there is no {folder}/control.json). {START}")
    if not _is_address(url):
        raise UsageWrong(f'"{url[:80]}" is not a URL. Write it as http://host:port.')
    key_file = key_file or environ.get("WEBSTREET_KEY_FILE", "")
    if not key_file and url != local.rstrip("/"):
        raise KeyMissing(
            f"No key was given for {url}. Name the file it is in: --key-file FILE or WEBSTREET_KEY_FILE.",
            detail="operator.key is only used for the control plane of the same state folder",
        )
    return Access(url, read_key(Path(key_file) if key_file else state_folder(environ) / "operator.key"))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_key(path: Path) -> Secret:
    """The key in ``path``, if only its owner can read it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise KeyMissing(f"The key in {path} cannot be read: {reason}. Name another file: --key-file FILE.") from None
    if mode & 0o077:
        raise KeyExposed(
            f"Others on this machine can read the key in {path} (mode {mode & 0o777:04o}), so it was not used."
            f" Close it: chmod 600 {path}"
        )
    if not text:
        raise KeyMissing(f"{path} is empty: there is no key in it. Name another file: --key-file FILE.")
    return Secret(text)
