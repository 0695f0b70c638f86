"""The tutorials, followed to the letter in a copy of the source."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.meta.source import ROOT
from tests.stories.tutorial import ByHand, Command, File, Reader, Running, differs, free_port, steps

TUTORIALS = ROOT / "docs" / "tutorials"


def read(url: str, data: dict[str, str] | None = None) -> str:
    answer = httpx.request(
        "POST" if data else "GET", url, data=data, timeout=10, trust_env=False, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.timeout(600)
def test_the_atom_of_the_tutorial_works(tmp_path: Path) -> None:
    port = free_port()
    guestbook = f"http://localhost:{port}/guestbook/"

    def leave_a_line() -> None:
        token = re.search(r'name="token" value="([^"]+)"', read(guestbook))
        assert token
        answer = read(guestbook, {"token": token[1], "name": "Ann", "email": "", "words": "Seen from a window."})
        assert "as soon as an editor" in answer
        assert "Seen from a window." not in answer
        assert "/guestbook/" in read(f"http://localhost:{port}/")

    def open_site_has_it() -> None:
        status = reader.says("webstreet site status acme/blog --json")
        address = re.search(r'"address": "([^"]+)"', status)
        assert address, status
        assert "Livre d’or" in read(f"{address[1]}/guestbook/")

    by_hand = {"leave a line": leave_a_line, "the open site has the guestbook": open_site_has_it}
    instead = {"8123": str(port), "webstreet control run": "webstreet control run --port 0"}
    with Reader(tmp_path, by_hand, instead) as reader:
        assert reader.follow(TUTORIALS / "write-an-atom.md") > 30


def test_a_page_is_read_as_it_is_written() -> None:
    page = """
```python title="a.py"
x = 1
```

```console
$ one
said
$ two
```
<!-- keeps running until: up -->
<!-- by hand: look -->
"""
    assert list(steps(page)) == [
        File("a.py", "x = 1\n"),
        Command("one", ("said",)),
        Running("two", "up"),
        ByHand("look"),
    ]


@pytest.mark.parametrize(
    ("wanted", "printed", "missing"),
    [
        (("a", "b"), "a\nb\n", ""),
        (("a", "..."), "a\nb\nc\n", ""),
        (("...", "c"), "a\nb\nc\n", ""),
        (("a", "c"), "a\nb\nc\n", "c"),
        (("a",), "a\nb\n", "nothing more, not 'b'"),
        ((), "anything", ""),
        (("x",), "", "x"),
    ],
)
def test_what_is_printed_is_compared(wanted: tuple[str, ...], printed: str, missing: str) -> None:
    assert differs(wanted, printed) == missing
