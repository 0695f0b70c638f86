"""What the command line says of an archive that has arrived."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from webstreet.cli.errors import ExportIncomplete
from webstreet.cli.site_export import checked


def pack(path: Path, manifest: bytes, *, whole: bool = True) -> Path:
    members = {"manifest.json": manifest, "rows/tags-000001.jsonl": b"{}\n"}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    if whole:
        members["checksums.json"] = json.dumps({"sha256": sums, "counts": {"tags": 1}}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_what_is_in_it_and_what_is_not(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tar.gz", b'{"left_out": ["newsletter"]}')
    assert checked(archive) == ({"tags": 1}, ["newsletter"])


@pytest.mark.parametrize(("manifest", "whole"), [(b'{"left_out": []}', False), (b"[]", True), (b"no json", True)])
def test_what_is_not_whole_is_refused(tmp_path: Path, manifest: bytes, whole: bool) -> None:
    with pytest.raises(ExportIncomplete):
        checked(pack(tmp_path / "a.tar.gz", manifest, whole=whole))
