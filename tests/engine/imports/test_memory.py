"""Memory does not follow the size of a file or of a site: what Python holds at its highest, by `tracemalloc`, which counts every byte.

It shows that nothing is kept of each record, document or MB: growth stays below the promised rate, at sizes at which a batch, a window
and a file of rows are full. For that, whole imports take fewer at once than in life, and garbage is looked for more often: what waits in
circles until Python looks is not counted (tests/engine/test_rows.py has that). It does not show what is allocated past Python, by the
databases' libraries and zlib, nor what a process takes of the machine: `make bench ONLY=memory` measures that, at the promised sizes.
"""

from __future__ import annotations

import random
import tarfile
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from wagtail.documents import get_document_model

from tests.engine.tracing import MB, peak_mb
from webstreet.atoms.newsletter import exporting as subscribers_out
from webstreet.atoms.newsletter import importing as subscribers_in
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.exports import MANIFEST, writing
from webstreet.engine.imports import (
    ImportContext,
    columns,
    content,
    crispy_octo,
    mysqldump,
    subscribers_csv,
    webstreet,
    wordpress,
)
from webstreet.engine.imports.bodies import Targets, blocks_of
from webstreet.engine.imports.survey import Survey
from webstreet.engine.imports.wxr import Wxr
from webstreet.engine.preparation import _wagtail_site
from webstreet.testing.sources import WORDS, write_dump, write_subscribers, write_wxr

GROWTH_MAX = 20 / (200 - 20)
"""MB of memory for one of input: what is promised is less than 20 MB between a file of 20 MB and one of 200."""
READ_MB = {"wordpress": (1, 4), "csv": (0.6, 2.4), "crispy-octo": (0.6, 2.4), "webstreet": (2, 8)}
"""The smaller one fills what is of a fixed size: windows, caches, batches."""


def silent(*step: object) -> None:
    """Reports nothing."""


def exhaust(found: Iterable[object]) -> None:
    for _ in found:
        pass


def read_wordpress(file: Path) -> None:
    survey = Survey(file.with_suffix(".sqlite3"))
    try:
        for number, item in enumerate(Wxr(file.open("rb"))):
            survey.add(item)
            if number % 20 == 0:
                blocks_of(item.content, Targets(lambda u, n: None, lambda u: None, lambda u: None), silent)
    finally:
        survey.close()
        file.with_suffix(".sqlite3").unlink()


def read_csv(file: Path) -> None:
    shape = subscribers_csv.look(file)
    with file.open(newline="") as lines:
        exhaust(subscribers_csv._records(lines, shape, columns.chosen(shape.titles, []), ImportContext("test")))


def read_dump(file: Path) -> None:
    crispy_octo._check(file, silent)
    exhaust(crispy_octo._articles(file, ImportContext("test")))
    exhaust(crispy_octo._subscribers(file, ImportContext("test")))


def read_archive(file: Path) -> None:
    webstreet._checked(file, silent)
    for _, found in webstreet._groups(file):
        exhaust(found)


READ = {"wordpress": read_wordpress, "csv": read_csv, "crispy-octo": read_dump, "webstreet": read_archive}


def write(kind: str, file: Path, size: int) -> float:
    """About so many bytes of input, in records as small as they are in life: what is kept of each shows. How many MB they are."""
    match kind:
        case "wordpress":
            return write_wxr(file, posts=size // 3_000) / MB
        case "csv":
            return write_subscribers(file, rows=size // 75) / MB
        case "crispy-octo":
            return write_dump(file, articles=size // 2 // 780, subscribers=size // 2 // 75) / MB
        case _:
            write_archive(file, size)
            return size / MB


def write_archive(file: Path, size: int) -> None:
    """Half of it documents, half of it pages."""
    chance = random.Random(1)
    with tarfile.open(str(file), "w|gz") as tar:
        made = writing._Archive(tar, silent)
        made.member(MANIFEST, writing._manifest([]).model_dump_json().encode())
        for number in range(size // 2 // 20_000):
            made.member(f"files/documents/{number}.pdf", chance.randbytes(20_000))
        pages = range(size // 2 // 3_000)
        made.rows("pages", ({"name": f"{uuid.UUID(int=n)}:en", "text": chance.randbytes(1_500).hex()} for n in pages))
        made.end()


@pytest.mark.only_on("sqlite", reason="reads files, and no database")
@pytest.mark.requirement("P5")
@pytest.mark.parametrize("kind", list(READ))
def test_reading_a_larger_file_takes_no_more_memory(tmp_path, kind):
    peaks, sizes = [], []
    for size_mb in READ_MB[kind]:
        file = tmp_path / f"file-{size_mb}"
        sizes.append(write(kind, file, int(size_mb * MB)))
        if not peaks:
            READ[kind](file)  # what is made once, such as patterns
        peaks.append(peak_mb(lambda: READ[kind](file)))  # noqa: B023 called at once
    assert sizes[1] - sizes[0] > 1.5, sizes
    assert peaks[1] - peaks[0] < GROWTH_MAX * (sizes[1] - sizes[0]), (peaks, sizes)


LONG = " ".join(random.Random(1).choices(WORDS, k=12_000))
"""84 kB. Not the same words again and again: little of it would be packed into so few bytes that all articles are unpacked at once."""
PAPER_BYTES = 500_000
SOME = (1, 6, 18)
"""Articles or documents. The first is not measured: it makes what is made once."""
PEOPLE = (200, 500, 2500)
ROW_MAX_MB = 32 / MB
"""For each subscriber, less than the smallest object that could be kept of one. What is promised of a list's short lines is still less: too
little beside what depends on when Python looks for garbage."""
AT_ONCE = {
    (wordpress, "BATCH"): 2,
    (crispy_octo, "AT_ONCE"): 2,
    (content, "PAGES_AT_ONCE"): 2,
    (writing, "PAGES_AT_ONCE"): 2,
    (writing, "AT_ONCE"): 20,
    (writing, "ROWS_BYTES"): 100_000,
    (mysqldump, "CHUNK_BYTES"): 16_000,
    (subscribers_csv, "CHUNK_BYTES"): 16_000,
    (subscribers_in, "BATCH"): 100,
    (subscribers_out, "BATCH"): 100,
}
"""Fewer than in life, so that a small site has more than that too."""


def added(kind: str, some: int, file: Path) -> tuple[float, float]:
    """Fill the site: MB of it, and what that took."""
    match kind:
        case "wordpress":
            size = write_wxr(file, posts=some, words=12_000)
            return size / MB, peak_mb(wordpress.run, file, silent)
        case "crispy-octo":
            size = write_dump(file, articles=some, subscribers=some * 2, text=LONG)
            return size / MB, peak_mb(crispy_octo.run, file, silent)
        case "csv":
            size = write_subscribers(file, rows=some)
            return size / MB, peak_mb(subscribers_csv.run, file, silent)
    size = some * PAPER_BYTES
    paper = get_document_model()(title="Paper")
    paper.file.save("paper.pdf", ContentFile(b"%PDF-1.4" + random.Random(1).randbytes(size)))
    return size / MB, 0.0


@pytest.fixture
def new_site(settings, tmp_path, monkeypatch, restored_databases) -> Callable[[], None]:
    """Makes this one a new site, which takes little at once."""
    made = []
    for (module, name), number in AT_ONCE.items():
        monkeypatch.setattr(module, name, number)

    def make() -> None:
        made.append(tmp_path / f"media-{len(made)}")
        settings.MEDIA_ROOT = str(made[-1])
        restored_databases()
        with transaction.atomic():
            _wagtail_site()
        hooks.call("starter_content", this_site.current(), None)

    return make


@pytest.mark.requirement("P5")
@pytest.mark.only_on("sqlite", reason="what the drivers of servers hold of a result is measured in test_rows.py")
@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
@pytest.mark.parametrize(
    ("kind", "counts", "and_back"),
    [
        ("wordpress", SOME, False),
        ("crispy-octo", SOME, True),
        ("csv", PEOPLE, True),
        ("document", SOME, True),
    ],
)
def test_a_whole_import_export_and_reading_back_take_no_more_for_much(new_site, tmp_path, kind, counts, and_back):
    """``and_back``: the site that was filled is exported, and the archive read back into a new one."""
    peaks, sizes = [], []
    for some in counts:
        new_site()
        size, taken = added(kind, some, tmp_path / f"file-{some}")
        sizes.append(size)
        peaks.append([taken])
        if and_back:
            packed = tmp_path / f"{some}.tar.gz"
            with packed.open("wb") as file:
                peaks[-1].append(peak_mb(writing.write, file, silent))
            new_site()
            peaks[-1].append(peak_mb(webstreet.run, packed, silent))
    rows = counts[2] - counts[1] if counts is PEOPLE else 0
    most = max(GROWTH_MAX * (sizes[2] - sizes[1]), ROW_MAX_MB * rows)
    assert max(much - little for little, much in zip(*peaks[1:], strict=True)) < most, (peaks, sizes)
