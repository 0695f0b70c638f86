"""An archive that was touched, cut or made to do harm is refused, whatever bytes it is made of."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from webstreet.engine.exports import CHECKSUMS, MANIFEST, VERSION
from webstreet.engine.imports import archives, webstreet
from webstreet.kernel.errors import WebstreetError

GOOD = {
    "format": "webstreet-export", "version": VERSION, "site": "acme/blog", "title": "Blog", "template": "publication",
    "languages": ["en", "fr"],
    "release": "0.1.0", "made_at": "2026-01-01T00:00:00+00:00", "parameters": {}, "left_out": [],
}  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
CHANGED = st.dictionaries(st.sampled_from(sorted(GOOD)), st.text() | st.integers() | st.none() | st.lists(st.text()))
MANIFESTS = (
    st.binary(max_size=400)
    | JSON.map(lambda value: json.dumps(value).encode())
    | CHANGED.map(lambda change: json.dumps(GOOD | change).encode())
)


def pack(path, members, *, sums=True, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        entries = dict(members)
        if sums:
            found = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()}
            entries[CHECKSUMS] = json.dumps({"sha256": found, "counts": {}}).encode()
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if name.startswith("files/"):
                info.type, info.linkname = kind, "/etc/passwd"
                info.size = len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(data))


def check(path):
    with archives.damage_told():
        return webstreet._checked(path, lambda *a: None)


def manifest(**changes) -> bytes:
    return json.dumps(GOOD | changes).encode()


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({MANIFEST: manifest(version=VERSION + 1)}, "archive.newer"),
        ({MANIFEST: manifest(format="other")}, "archive.invalid"),
        ({MANIFEST: b"[]"}, "archive.invalid"),
        ({MANIFEST: b"{" * 100_000}, "archive.invalid"),
        ({"rows/pages-000001.jsonl": b"{}"}, "archive.invalid"),
        ({MANIFEST: manifest(), "../evil": b"x"}, "archive.path"),
        ({MANIFEST: manifest(), "/evil": b"x"}, "archive.path"),
        ({MANIFEST: manifest(), "other/evil": b"x"}, "archive.invalid"),
        ({MANIFEST: manifest(), "files/a.pdf": b"x", "files/a.pdf/b.pdf": b"x"}, "archive.names"),
        ({MANIFEST: manifest(), "files/a/b/c.pdf": b"x", "files/a/b": b"x"}, "archive.names"),
        ({MANIFEST: manifest(), "files/" + "é" * 130: b"x"}, "archive.path"),
        ({MANIFEST: manifest(), "rows/pages-000001.jsonl": b"[1]\n"}, "archive.invalid"),
        ({MANIFEST: manifest(), "files/bomb": b"\0" * 120_000_000}, "archive.bomb"),
    ],
)
def test_a_touched_archive_is_refused(tmp_path, members, code):
    pack(tmp_path / "a.tar.gz", members)
    with pytest.raises(WebstreetError) as caught:
        webstreet.run(tmp_path / "a.tar.gz", lambda *a: None)
    assert caught.value.error_code == code


def test_links_cuts_and_changes_are_refused(tmp_path):
    path = tmp_path / "a.tar.gz"
    members = {MANIFEST: manifest(), "files/a": b"x"}

    def code() -> str:
        with pytest.raises(WebstreetError) as caught:
            check(path)
        return caught.value.error_code

    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        pack(path, members, kind=kind)
        assert code() == "archive.link"
    pack(path, members, sums=False)
    assert code() == "archive.truncated"
    pack(path, members)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert code() in ("archive.damaged", "archive.truncated")
    pack(path, {MANIFEST: manifest(), CHECKSUMS: json.dumps({"sha256": {MANIFEST: "0" * 64}}).encode()}, sums=False)
    assert code() == "archive.checksum"
    pack(path, members)
    assert check(path)[0].site == "acme/blog"


@given(MANIFESTS)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
def test_any_manifest_gives_a_manifest_or_a_refusal(tmp_path, data):
    pack(tmp_path / "a.tar.gz", {MANIFEST: data})
    try:
        check(tmp_path / "a.tar.gz")
    except WebstreetError as error:
        assert error.error_code.startswith("archive.")


@given(st.binary(max_size=400))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
def test_any_bytes_are_refused(tmp_path, data):
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(WebstreetError):
        check(tmp_path / "b")
