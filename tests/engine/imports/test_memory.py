"""Memory does not follow the size of a file: real processes, their highest resident size."""

from __future__ import annotations

import subprocess
import sys

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
