"""Memory does not follow the size of a file or of a site: real processes, their highest resident size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from webstreet.testing.sources import write_subscribers, write_wxr

READ = """
import re, sys
from pathlib import Path
sys.argv = ["x"]
import django
django.setup()
{work}
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
WXR = """
from webstreet.engine.imports.bodies import Targets, blocks_of
from webstreet.engine.imports.survey import Survey
from webstreet.engine.imports.wxr import Wxr
survey = Survey(Path(FILE + ".sqlite3"))
for item in Wxr(open(FILE, "rb")):
    survey.add(item)
for number, item in enumerate(Wxr(open(FILE, "rb"))):
    if number % 50 == 0:
        blocks_of(item.content, Targets(lambda u, n: None, lambda u: None, lambda u: None), lambda l, w: None)
"""
CSV = """
from webstreet.engine.imports import ImportContext, columns, subscribers_csv as source
shape = source.look(Path(FILE))
with open(FILE, newline="") as file:
    for record in source._records(file, shape, columns.chosen(shape.titles, []), ImportContext("csv")):
        pass
"""


def peak_mb(environ: dict[str, str], work: str) -> float:
    code = READ.replace("{work}", work)
    environ = environ | {"DJANGO_SETTINGS_MODULE": "webstreet.engine.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.parametrize("kind", ["wordpress", "csv"])
def test_ten_times_the_file_is_not_more_memory(site_processes, tmp_path, kind):
    site = site_processes()
    peaks = []
    for number in (1, 10):
        file = str(tmp_path / f"file-{number}")
        if kind == "wordpress":
            write_wxr(tmp_path / f"file-{number}", posts=1500 * number)
        else:
            write_subscribers(tmp_path / f"file-{number}", rows=20_000 * number)
        peaks.append(peak_mb(site.environ, (WXR if kind == "wordpress" else CSV).replace("FILE", repr(file))))
    assert peaks[1] - peaks[0] < 20, peaks


RUN = """
import re
from pathlib import Path
from webstreet.engine.__main__ import main
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
PAPER = """
import os
from django.core.files.base import ContentFile
from wagtail.documents import get_document_model
paper = get_document_model()(title="Paper")
paper.file.save("paper.pdf", ContentFile(b"%PDF-1.4" + os.urandom({size})))
"""


def peak_of_command(site, *arguments: str) -> float:
    """Of a whole command of the engine, which must have succeeded."""
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, env=site.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[-1]) / 1024


def filled(site, kind: str, large: bool, file: Path) -> list[float]:
    """A site with little or much in it; what that took where it was imported."""
    if kind == "document":
        site.python(PAPER.format(size=60_000_000 if large else 1_000_000))
        return []
    if kind == "wordpress":
        write_wxr(file, posts=50 if large else 10, words=15_000)  # 105 kB each
    else:
        write_subscribers(file, rows=20_000 if large else 2_000)
    return [peak_of_command(site, "import", "--from", kind, str(file))]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["wordpress", "csv", "document"])
def test_a_whole_import_export_and_reading_back_take_no_more_for_much(site_processes, tmp_path, kind):
    peaks = []
    for large in (False, True):
        site, copy = site_processes(), site_processes()
        site.documents("prepare")
        copy.documents("prepare")
        archive = str(tmp_path / f"{large}.tar.gz")
        taken = filled(site, kind, large, tmp_path / f"file-{large}")
        peaks.append([
            *taken,
            peak_of_command(site, "export", archive),
            peak_of_command(copy, "import", "--from", "webstreet", archive),
        ])  # fmt: skip
    assert max(much - little for little, much in zip(*peaks, strict=True)) < 20, peaks
