"""Output: tables in 80 columns, no colour where none is wanted, JSON alone on standard output."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Control, Result, command, environment
from webstreet.cli import output, site_import
from webstreet.cli.site_view import page

Run = Callable[..., Result]


def on_a_terminal(state: Path, *arguments: str, **more: str) -> str:
    """What a person sees who types this at a terminal of 80 columns."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command(*arguments), stdin=child, stdout=child, stderr=child, close_fds=True,
        env=environment(state, TERM="xterm-256color", COLUMNS="80", LINES="24", **more),
    )  # fmt: skip
    os.close(child)
    seen, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                chunk = os.read(parent, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
    os.close(parent)
    process.wait(10)
    return seen.decode()


def test_lists_fit_80_columns_and_name_what_to_do_when_empty(webstreet: Run) -> None:
    webstreet("client", "add", "a-client-with-quite-a-long-name-for-a-table", "--title", "x")
    webstreet(
        "client", "add", "a-client-with-a-long-name-in-it", "--title", "A title that is rather long, to see it folded"
    )
    for arguments in (["client", "list"], ["atom", "list"], ["template", "list"], ["atom", "show", "newsletter"]):
        shown = webstreet(*arguments)
        assert shown.code == 0, shown.err
        assert max(map(len, shown.out.splitlines())) <= 80, arguments
        assert not [line for line in shown.out.splitlines() if line != line.rstrip()]
    empty = webstreet("site", "list", "--client", "a-client-with-a-long-name-in-it")
    assert "webstreet site open a-client-with-a-long-name-in-it/NAME" in empty.out


@pytest.mark.parametrize(
    "arguments",
    [["client", "list"], ["site", "list"], ["atom", "list"], ["template", "list"], ["atom", "show", "articles"], ["login"], ["version"],
     ["template", "show", "publication"]],
)  # fmt: skip
def test_json_is_alone_on_standard_output(webstreet: Run, arguments: list[str]) -> None:
    shown = webstreet(*arguments, "--json")
    assert shown.code == 0
    assert isinstance(json.loads(shown.out), dict)
    assert shown.err == ""


def test_no_color_is_respected_at_a_terminal(control: Control, webstreet: Run) -> None:
    webstreet("client", "add", "colours")
    coloured = on_a_terminal(control.state, "template", "show", "publication")
    plain = on_a_terminal(control.state, "template", "show", "publication", NO_COLOR="1")
    assert "\033[90m" in coloured
    assert "\033[9" not in plain
    assert "\033[3" not in plain
    assert "\033" not in on_a_terminal(control.state, "--help", NO_COLOR="1")


def test_a_login_link_works_once(control: Control, webstreet: Run) -> None:
    import httpx

    link = webstreet("login", "--json").json["url"]
    assert link.startswith(f"{control.url}/console/")
    assert httpx.get(link, trust_env=False, follow_redirects=True).status_code == 200


def test_a_reader_that_goes_away_is_no_error(control: Control) -> None:
    shell = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {' '.join(command('atom', 'show', 'newsletter'))} | head -n 1"],
        env=environment(control.state), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in shell.stderr
    assert shell.stdout.startswith("Atom")


def test_durations_and_sizes_read_well() -> None:
    assert [output.span(s) for s in (0, 59.9, 119, 120, 7199, 7200, 172800)] == [
        "0 s", "59 s", "119 s", "2 min", "119 min", "2 h", "2 d",
    ]  # fmt: skip
    assert [site_import.sized(n) for n in (0, 999, 1000, 18_011, 3_000_000_000)] == [
        "0 bytes", "999 bytes", "1.0 kB", "18.0 kB", "3.0 GB",
    ]  # fmt: skip
    assert output.counted(1, "site") == "1 site"
    assert output.counted(12345, "site") == "12 345 sites"


def test_a_file_is_sent_in_pieces(tmp_path: Path) -> None:
    """Memory does not grow with the file: there is never more than one piece."""
    file = tmp_path / "dump.sql"
    with file.open("wb") as sparse:
        sparse.truncate(50_000_000)
    sent: list[int] = []
    longest = max(len(piece) for piece in site_import.pieces(file, sent.append))
    assert longest <= site_import.CHUNK_BYTES
    assert sent[-1] == 50_000_000
    assert sent == sorted(sent)


def test_a_site_that_differs_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    site = {
        "client": "acme", "site": "blog", "title": "Blog", "state": "updating", "note": "The database is migrated: 3 of 9", "next": "",
        "differs": [{"what": "generation", "wanted": "3", "seen": "2"}], "wanted_generation": 3, "seen_generation": 2,
        "processes": [{"name": "web", "pid": 12, "since": None, "restarts": 0, "note": ""}],
    }  # fmt: skip
    output.show(page(site))
    shown = capsys.readouterr().out
    assert "generation: wanted 3, seen 2" in shown
    assert "2 of 3" in shown
    assert "◐ updating" in shown
