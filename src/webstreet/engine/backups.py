"""A consistent copy of every database and file that the hoster keeps for the site; client-resident data stay at the client.

The folder holds one file a database (``default.sqlite3``, ``default.pgdump`` or ``default.sql.gz``), ``files/`` and
``NAME-files/``, site.yaml, and last ``backup.json``: a folder without it is an unfinished backup.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.db import connections
from django.utils import timezone

from webstreet import __version__
from webstreet.contract.site import MANIFEST_NAME
from webstreet.engine import prototypes
from webstreet.engine.environment import KEY_FILE
from webstreet.kernel.errors import BadInput, Conflict, Unavailable

Report = Callable[[str, int, int], None]
DONE = "backup.json"
DUMP_TIMEOUT_S = 3600
SUFFIXES = {"postgresql": ".pgdump", "mysql": ".sql.gz"}


def backup(folder: Path, report: Report) -> list[str]:
    """Write the backup; the names of the atoms left out because their data live at the client.

    Raises:
        Conflict: the folder holds something else or a finished backup.
        BadInput: the folder cannot be written.
        Unavailable: a database could not be dumped.
    """
    site, environment = settings.WEBSTREET_SITE, settings.WEBSTREET_ENVIRONMENT
    _take_folder(folder)
    left_out = [atom for atom in environment.sensitive_atoms if site.lives_at(atom) == "client"]
    aliases = [alias for alias in connections if alias not in left_out]
    shared: dict[str, str] = {}
    contents: dict[str, str] = {}
    for number, alias in enumerate(aliases, 1):
        contents[alias] = _copy_database(alias, folder, shared)
        report("databases", number, len(aliases))
    stores = {"files": Path(settings.MEDIA_ROOT)}
    for atom in environment.sensitive_atoms:
        if atom not in left_out:
            stores[f"{atom}-files"] = environment.files.get(atom, environment.data_dir / f"{atom}-files")
    for number, (name, source) in enumerate(stores.items(), 1):
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=False, dirs_exist_ok=True)
        report("files", number, len(stores))
    (folder / MANIFEST_NAME).write_text(site.to_yaml(), "utf-8")
    key = environment.data_dir / KEY_FILE
    if key.exists():
        shutil.copyfile(key, folder / KEY_FILE)
        (folder / KEY_FILE).chmod(0o600)
    _finish(folder, {"databases": contents, "left_out": left_out})
    report("backup", 1, 1)
    return left_out


def _take_folder(folder: Path) -> None:
    """Make the folder, unless it holds anything but an unfinished backup of ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / DONE).exists():
            raise Conflict(f"{folder} holds a finished backup: name another folder.", code="backup.exists")
        known = {"files", MANIFEST_NAME, KEY_FILE} | {f"{a}-files" for a in settings.WEBSTREET_SENSITIVE}
        known |= {f"{alias}{suffix}" for alias in connections for suffix in (".sqlite3", *SUFFIXES.values())}
        known |= {f".{alias}{SUFFIXES['mysql']}.cnf" for alias in connections}
        if strangers := sorted(p.name for p in folder.iterdir() if p.name not in known):
            raise Conflict(
                f"{folder} is not empty ({strangers[0][:60]}): name another folder.", code="backup.not_empty"
            )
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}.", code="backup.folder") from None


def _copy_database(alias: str, folder: Path, shared: dict[str, str]) -> str:
    """Copy one alias; two aliases in one database of a server are dumped once, so that they fit together."""
    connection = connections[alias]
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        target = folder / f"{alias}.sqlite3"
        try:
            prototypes.copy(Path(str(given["NAME"])), target)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(
                f"The database {alias} cannot be copied: {type(error).__name__}.", code="backup.database"
            ) from None
        return target.name
    place = "|".join(str(given.get(k, "")) for k in ("HOST", "PORT", "NAME"))
    if place not in shared:
        shared[place] = f"{alias}{SUFFIXES[connection.vendor]}"
        dump = _pg_dump if connection.vendor == "postgresql" else _mysql_dump
        dump(alias, given, folder / shared[place])
    return shared[place]


def _pg_dump(alias: str, given: dict[str, Any], target: Path) -> None:
    """Custom format; the password goes by the environment, never by an argument that others can list."""
    environ = os.environ | {"PGPASSWORD": str(given.get("PASSWORD", "")), "PGCONNECT_TIMEOUT": "10"}
    command = [
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--file={target}",
        f"--dbname={given['NAME']}",
    ]
    for option, name in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
        if given.get(name):
            command.append(f"{option}={given[name]}")
    try:
        done = subprocess.run(command, env=environ, capture_output=True, timeout=DUMP_TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise Unavailable("pg_dump is not installed: install postgresql-client.", code="backup.tool") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"pg_dump of {alias} took more than an hour.", code="backup.database") from None
    if done.returncode:
        raise _dump_failed("pg_dump", alias, done.stderr)
    target.chmod(0o600)


def _mysql_dump(alias: str, given: dict[str, Any], target: Path) -> None:
    """SQL of one moment, compressed; the password goes by a file that only we can read."""
    tool = next((name for name in ("mariadb-dump", "mysqldump") if shutil.which(name)), None)
    if tool is None:
        raise Unavailable(
            "mariadb-dump is not installed: install mariadb-client, or MySQL's client.", code="backup.tool"
        )
    options = target.with_name(f".{target.name}.cnf")
    with open(options, "w", opener=_private) as file:
        file.write(_client_options(given))
    command = [
        *(tool, f"--defaults-file={options}", "--single-transaction", "--quick", "--hex-blob", "--no-tablespaces"),
        *("--default-character-set=utf8mb4", "--skip-dump-date", str(given["NAME"])),
    ]
    try:
        said = _packed(command, target)
    finally:
        options.unlink()
    if said is not None:
        raise _dump_failed(tool, alias, said)


def _packed(command: list[str], target: Path) -> bytes | None:
    """Compress what the command writes into ``target``; None, or what it complained of when it failed."""
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
        open(target, "wb", opener=_private) as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed,
    ):
        timer = threading.Timer(DUMP_TIMEOUT_S, process.kill)
        timer.start()
        try:
            shutil.copyfileobj(cast(IO[bytes], process.stdout), packed, 1 << 20)
            process.wait()
        finally:
            timer.cancel()
        complaints.seek(0)
        return complaints.read() if process.returncode else None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _client_options(given: dict[str, Any]) -> str:
    """An option file of MariaDB's and MySQL's own programs."""
    socket = given["OPTIONS"].get("unix_socket")
    # By themselves they take "localhost" for a socket.
    place = {"socket": socket} if socket else {"host": given.get("HOST"), "port": given.get("PORT"), "protocol": "tcp"}
    lines = {"user": given.get("USER"), "password": given.get("PASSWORD"), **place, **given["CLIENT_OPTIONS"]}
    quoted = {name: str(value).replace("\\", "\\\\").replace('"', '\\"') for name, value in lines.items() if value}
    return "[client]\n" + "".join(f'{name}="{value}"\n' for name, value in quoted.items())


def _dump_failed(tool: str, alias: str, said: bytes) -> Unavailable:
    return Unavailable(
        f"{tool} of the database {alias} failed: see the detail.",
        code="backup.database",
        detail=said.decode(errors="replace")[-300:],
    )


def _finish(folder: Path, contents: dict[str, Any]) -> None:
    sums = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            sums[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    body = {
        "site": str(settings.WEBSTREET_SITE.id),
        "release": __version__,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        **contents,
        "sha256": sums,
    }
    draft = folder / f".{DONE}"
    draft.write_text(json.dumps(body, indent=2) + "\n", "utf-8")
    with contextlib.closing(draft.open("rb")) as file:
        os.fsync(file.fileno())
    draft.rename(folder / DONE)
