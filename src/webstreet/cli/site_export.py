"""Fetching everything a site holds: streamed into a file, checked, and only then under its name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from pathlib import Path

from webstreet.cli.api import ControlApi, Json
from webstreet.cli.errors import ExportIncomplete, FileUnreadable
from webstreet.cli.output import say, show_json
from webstreet.cli.site_import import sized
from webstreet.cli.site_view import on_site
from webstreet.cli.steps import Steps
from webstreet.kernel.ids import SiteId

MANIFEST, CHECKSUMS = "manifest.json", "checksums.json"
PIECE_BYTES = 1024 * 1024


def run(control: ControlApi, name: SiteId, to: Path, *, as_json: bool) -> None:
    """Write the archive of a site to ``to``, readable by its owner only.

    Raises:
        FileUnreadable: the file is there already, or cannot be written. ExportIncomplete: the archive was cut off.
    """
    if to.exists():
        raise FileUnreadable(f"{to} is there already: name another file.")
    part = to.with_name(f".{to.name}.part")
    try:
        with Steps(f"Exporting {name}", quiet=as_json) as steps:
            steps.now("Waiting for the first bytes")
            on_site(control, name, lambda: _fetch(control, name, part, steps))
            steps.now("Checking the archive")
            counts, left_out = checked(part)
        size = part.stat().st_size
        part.rename(to)
    except OSError as error:
        raise FileUnreadable(f"{to} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        show_json({"file": str(to), "size_bytes": size, "counts": counts, "left_out": left_out})
        return
    say(f"Written to {to}: {sized(size)}.")
    say(", ".join(f"{number} {kind.replace('-', ' ')}" for kind, number in counts.items()) + ".")
    if left_out:
        say(f"Not in it is what {', '.join(left_out)} keeps at the client: only the client's own keys get that.")


def _fetch(control: ControlApi, name: SiteId, part: Path, steps: Steps) -> None:
    done = 0
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out, control.pieces("sites", name.client, name.site, "export") as pieces:
        for piece in pieces:
            out.write(piece)
            done += len(piece)
            steps.now("Fetching")
            steps.detail(sized(done))


def checked(path: Path) -> tuple[Json, list[str]]:
    """How many rows of each kind there are, and the atoms whose own data are not among them.

    Raises:
        ExportIncomplete: the end is missing, or a checksum does not fit.
    """
    sums: dict[str, str] = {}
    last: Json = {}
    left_out: list[str] = []
    try:
        with tarfile.open(path, "r|gz") as archive:
            for info in archive:
                file = archive.extractfile(info)
                if file is None:
                    continue
                if info.name == CHECKSUMS:
                    last = json.load(file)
                    continue
                if info.name == MANIFEST:
                    manifest = file.read()
                    left_out, file = json.loads(manifest)["left_out"], io.BytesIO(manifest)
                digest = hashlib.sha256()
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                sums[info.name] = digest.hexdigest()
    except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        last = {}
    if not last or last.get("sha256") != sums:
        raise ExportIncomplete(
            "The archive was cut off on its way, and is not kept. Export again; the site's log may say why."
        )
    return last["counts"], left_out
