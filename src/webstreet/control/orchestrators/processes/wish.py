"""How a wish is laid down in a site's folder: the sub-steps of Apply, each repeatable, with nothing half-done to be seen."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webstreet.contract.environment import BASE_URL, DATA_DIR, GENERATION, SITE_MANIFEST
from webstreet.contract.site import MANIFEST_NAME
from webstreet.control.orchestrators.base import OrchestratorError, WishOutdated, Workload
from webstreet.control.orchestrators.processes.folder import (
    Folder,
    delete_tree,
    make_private,
    read_json,
    write_bytes,
    write_json,
)
from webstreet.control.orchestrators.processes.release import read_wish
from webstreet.control.orchestrators.processes.supervisor import HOST

PORTS, TRIES = range(20_000, 30_000), 200
_ENGINE = (sys.executable, "-m", "webstreet.engine")


@dataclass(frozen=True, slots=True)
class Programs:
    """The argument lists that make a site. The default is the engine of this installation; tests bring small ones.

    Attributes:
        web: "{fd}" becomes the number of the inherited listening socket. It says READY=1 by sd_notify(3) before it accepts.
        command: in front of every one-off command.
        log_bytes: a log longer than this is rotated.
        ready_s / stop_s: how long web may take to be ready, any process to finish.
        probe_s: how often web is asked whether it still answers; after three silences it is replaced.
    """

    prepare: tuple[str, ...] = (*_ENGINE, "prepare")
    web: tuple[str, ...] = (*_ENGINE, "serve", "--fd", "{fd}")
    worker: tuple[str, ...] = (*_ENGINE, "work")
    command: tuple[str, ...] = _ENGINE
    log_bytes: int = 5_000_000
    ready_s: float = 60.0
    stop_s: float = 30.0
    probe_s: float = 10.0


ENGINE = Programs()


class PortsExhausted(OrchestratorError):
    """No free port is left for a site."""

    code = "orchestrator.no_port"


def document(workload: Workload, folder: Folder, port: int, programs: Programs) -> dict[str, Any]:
    """wanted.json: everything the supervisor needs, and no secret (only the names of their files)."""
    home = folder.generation(workload.generation)
    environment = {
        BASE_URL: f"http://{HOST}:{port}",
        "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in workload.settings.items() if value},
        SITE_MANIFEST: str(home / MANIFEST_NAME),
        DATA_DIR: str(folder.data),
        GENERATION: str(workload.generation),
        **{f"{name}_FILE": str(home / "secrets" / name) for name in sorted(workload.secrets)},
    }
    return {
        "version": 1,
        "site": str(workload.site),
        "generation": workload.generation,
        "digest": digest(workload),
        "port": port,
        "suspended": workload.suspended,
        "prepare": list(programs.prepare),
        "web": list(programs.web),
        "worker": list(programs.worker),
        "command": list(programs.command),
        "environment": environment,
        "log_bytes": programs.log_bytes,
        "ready_s": programs.ready_s,
        "stop_s": programs.stop_s,
        "probe_s": programs.probe_s,
    }


def digest(workload: Workload) -> str:
    """Two wishes are the same if these are. Secrets go in hashed together with everything else."""
    parts = [
        workload.manifest.to_yaml(),
        json.dumps(dict(workload.settings), sort_keys=True),
        json.dumps({name: secret.reveal() for name, secret in workload.secrets.items()}, sort_keys=True),
        str(workload.suspended),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def check(workload: Workload, held: dict[str, Any] | None) -> None:
    """Raise `WishOutdated` if ``held`` (wanted.json) is newer, or another wish of the same generation."""
    if not held or held.get("removing"):
        return
    number = int(held["generation"])
    if workload.generation < number:
        raise WishOutdated(
            f"{workload.site} is already at generation {number}; generation {workload.generation} is older and was not applied."
            " Change the site once more to give it a newer generation."
        )
    if workload.generation == number and held.get("digest") != digest(workload):
        raise WishOutdated(
            f"Generation {number} of {workload.site} was already applied with other contents."
            " Change the site once more to give it a newer generation."
        )


def make_folders(folder: Folder) -> None:
    for path in (folder.path, folder.data, folder.logs, folder.run, folder.generations):
        make_private(path)


def write_generation(folder: Folder, workload: Workload, wanted: dict[str, Any]) -> None:
    """generations/N: built beside and renamed, so that it is there completely or not at all."""
    final = folder.generation(workload.generation)
    if read_json(final / "wanted.json") == wanted:
        return
    making = folder.generations / f".{workload.generation}.new"
    delete_tree(making)
    delete_tree(final)
    make_private(making / "secrets")
    write_bytes(making / MANIFEST_NAME, workload.manifest.to_yaml().encode())
    for name, secret in workload.secrets.items():
        write_bytes(making / "secrets" / name, secret.reveal().encode())
    write_json(making / "wanted.json", wanted)
    os.rename(making, final)


def free_port(sites: Path) -> int:
    """A port nobody listens on and no site of ``sites`` has been given, also none that is stopped now.

    Below the range from which Linux takes the ports of outgoing connections, so that none of those sits on it after a restart.
    """
    given = {wanted.get("port") for wanted in _all_wanted(sites)}
    candidates = [port for port in PORTS if port not in given]
    for port in random.sample(candidates, min(TRIES, len(candidates))):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise PortsExhausted(
        "No free port was found for the site. Close programs that listen on this machine and try again."
    )


def _all_wanted(sites: Path) -> Iterator[dict[str, Any]]:
    for path in sites.glob("*/*/wanted.json"):
        with contextlib.suppress(OSError):
            found = read_wish(Folder(path.parent))
            if found:
                yield found
