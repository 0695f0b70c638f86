"""Releases of Webstreet made for a test: a copy of the source with another version number, installed beside ours as a venv of its own."""

from __future__ import annotations

import shutil
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pydantic

import webstreet
from webstreet.control.orchestrators.processes.wish import Programs

SOURCE = Path(webstreet.__file__).parent
PACKAGES = Path(pydantic.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Release:
    """An installed release. ``python`` runs it."""

    version: str
    python: Path
    source: Path

    def programs(self, **more: float) -> Programs:
        """What the control plane of this release starts for a site."""
        engine = (str(self.python), "-m", "webstreet.engine")
        return Programs(
            prepare=(*engine, "prepare"), web=(*engine, "serve", "--fd", "{fd}"), worker=(*engine, "work"),
            command=engine, **more,
        )  # fmt: skip

    def spoil(self, module: str, before: str, after: str) -> None:
        """Replace some text of a source file: the release gets a defect."""
        path = self.source / module
        text = path.read_text("utf-8")
        assert text.count(before) == 1, f"{module} has {text.count(before)} places like {before!r}"
        path.write_text(text.replace(before, after), "utf-8")


def install(folder: Path, version: str) -> Release:
    """Copy the source below ``folder`` as release ``version``. Third-party packages are those of this installation."""
    home = folder / version
    source = home / "src" / "webstreet"
    shutil.copytree(SOURCE, source)
    venv.create(home, with_pip=False, symlinks=True)
    packages = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "release.pth").write_text(f"{source.parent}\n{PACKAGES}\n", "utf-8")
    release = Release(version, home / "bin" / "python", source)
    release.spoil("__init__.py", f'__version__ = "{webstreet.__version__}"', f'__version__ = "{version}"')
    return release
