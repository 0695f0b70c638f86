"""Memory does not follow the size of a file or of a site: real processes, their highest resident size."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import SiteProcesses
from webstreet.testing.sources import write_dump, write_subscribers, write_wxr

MB = 1024**2
GROWTH_MAX = 20 / (200 - 20)
"""MB of memory for one of input: what is promised is less than 20 MB between a file of 20 MB and one of 200. `make bench` has these."""
SIZES = {"wordpress": (8, 16), "csv": (2, 10), "crispy-octo": (2, 10), "webstreet": (8, 16)}
"""MB of input that is only read. The smaller one fills what is of a fixed size: windows, caches, batches."""
ROUGHLY = 5.0
"""MB by which the peaks of two whole commands may differ when nothing grows: they end with other garbage."""

HIGHEST = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
BEGIN = """
from pathlib import Path
import django
django.setup()
from webstreet.engine.imports import ImportContext
FILE = Path({file!r})
context = ImportContext("test")
"""
READ = {
    "wordpress": """
from webstreet.engine.imports.bodies import Targets, blocks_of
from webstreet.engine.imports.survey import Survey
from webstreet.engine.imports.wxr import Wxr
survey = Survey(FILE.with_suffix(".sqlite3"))
for item in Wxr(FILE.open("rb")):
    survey.add(item)
for number, item in enumerate(Wxr(FILE.open("rb"))):
    if number % 20 == 0:
        blocks_of(item.content, Targets(lambda u, n: None, lambda u: None, lambda u: None), lambda l, w: None)
""",
    "csv": """
from webstreet.engine.imports import columns, subscribers_csv as source
shape = source.look(FILE)
with FILE.open(newline="") as file:
    for record in source._records(file, shape, columns.chosen(shape.titles, []), context):
        pass
""",
    "crispy-octo": """
from webstreet.engine.imports import crispy_octo as source
source._check(FILE, lambda *step: None)
for read in (source._articles, source._subscribers):
    for record in read(FILE, context):
        pass
""",
    "webstreet": """
from webstreet.engine.imports import webstreet as source
source._checked(FILE, lambda *step: None)
for name, found in source._groups(FILE):
    for row in found:
        pass
""",
}
ARCHIVE = """
import random, tarfile, uuid
from webstreet.engine.exports import MANIFEST
from webstreet.engine.exports.writing import _Archive, _manifest
chance = random.Random(1)
with tarfile.open(str(FILE), "w|gz") as tar:
    archive = _Archive(tar, lambda *step: None)
    archive.member(MANIFEST, _manifest([]).model_dump_json().encode())
    half = {size} // 2
    for number in range(half // 20_000):
        archive.member(f"files/documents/{{number}}.pdf", chance.randbytes(20_000))
    archive.rows("pages", ({{"name": f"{{uuid.UUID(int=n)}}:en", "text": "word " * 600}} for n in range(half // 3_000)))
    archive.end()
"""


def highest_mb(site: SiteProcesses, code: str, *arguments: str) -> float:
    """Of a process that ran ``code``, which must have succeeded."""
    # Where its sets and dictionaries begin decides about some pages.
    environ = site.environ | {"DJANGO_SETTINGS_MODULE": "webstreet.engine.settings", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[-1]) / 1024


def write(site: SiteProcesses, kind: str, file: Path, size_mb: int) -> None:
    """About so much input, in records as small as they are in life: what is kept of each shows."""
    size = size_mb * MB
    match kind:
        case "wordpress":
            write_wxr(file, posts=size // 3_000)
        case "csv":
            write_subscribers(file, rows=size // 75)
        case "crispy-octo":
            write_dump(file, articles=size // 2 // 780, subscribers=size // 2 // 75)
        case "webstreet":
            highest_mb(site, BEGIN.format(file=str(file)) + ARCHIVE.format(size=size) + HIGHEST)


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("kind", list(READ))
def test_reading_a_larger_file_takes_no_more_memory(site_processes, tmp_path, kind):
    site, peaks, sizes = site_processes(), [], []
    for size_mb in SIZES[kind]:
        file = tmp_path / f"file-{size_mb}"
        write(site, kind, file, size_mb)
        sizes.append(size_mb if kind == "webstreet" else file.stat().st_size / MB)
        peaks.append(highest_mb(site, BEGIN.format(file=str(file)) + READ[kind] + HIGHEST))
    assert sizes[1] - sizes[0] > 7, sizes
    assert peaks[1] - peaks[0] < GROWTH_MAX * (sizes[1] - sizes[0]), (peaks, sizes)


COMMAND = """
from pathlib import Path
from webstreet.engine.__main__ import main
try:
    main()
finally:
"""
PAPER = """
import os
from django.core.files.base import ContentFile
from wagtail.documents import get_document_model
paper = get_document_model()(title="Paper")
paper.file.save("paper.pdf", ContentFile(b"%PDF-1.4" + os.urandom({size})))
"""


def peak_of_command(site: SiteProcesses, *arguments: str) -> float:
    """Of a whole command of the engine."""
    return highest_mb(site, COMMAND + HIGHEST.replace("\n", "\n    "), *arguments)


def filled(site: SiteProcesses, kind: str, large: bool, file: Path) -> tuple[float, list[float]]:
    """A site with little or much in it: MB of it, and what that took where it was imported."""
    if kind == "document":
        size = 60_000_000 if large else 1_000_000
        site.python(PAPER.format(size=size))
        return size / MB, []
    if kind == "wordpress":
        size = write_wxr(file, posts=100 if large else 40, words=15_000)  # 105 kB each, in batches of 25
    elif kind == "crispy-octo":
        size = write_dump(file, articles=400 if large else 100)
    else:
        size = write_subscribers(file, rows=20_000 if large else 5_000)
    return size / MB, [peak_of_command(site, "import", "--from", kind, str(file))]


@pytest.fixture
def prepared(shared_sites, site_processes) -> Callable[[], SiteProcesses]:
    """Makes sites that are prepared, by copying."""
    first = shared_sites()
    first.documents("prepare")

    def make() -> SiteProcesses:
        site = site_processes()
        shutil.copytree(first.data, site.data)
        return site

    return make


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["wordpress", "crispy-octo", "csv", "document"])
def test_a_whole_import_export_and_reading_back_take_no_more_for_much(prepared, tmp_path, kind):
    peaks, sizes = [], []
    for large in (False, True):
        site, copy = prepared(), prepared()
        archive = str(tmp_path / f"{large}.tar.gz")
        size, taken = filled(site, kind, large, tmp_path / f"file-{large}")
        sizes.append(size)
        peaks.append([
            *taken,
            peak_of_command(site, "export", archive),
            peak_of_command(copy, "import", "--from", "webstreet", archive),
        ])  # fmt: skip
    most = ROUGHLY + GROWTH_MAX * (sizes[1] - sizes[0])
    assert max(much - little for little, much in zip(*peaks, strict=True)) < most, (peaks, sizes)
