"""Bodies of WordPress: whatever is in them, blocks come out that hold nothing which could be run."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from webstreet.engine.imports.bodies import ELEMENTS_MAX, Targets, blocks_of
from webstreet.engine.imports.wxr import ExportInvalid, Wxr
from webstreet.testing.sources import WXR_HEAD, WXR_TAIL, wxr_item

NOTHING = Targets(lambda url, number: None, lambda url: None, lambda url: None, "https://old.example")
HARMFUL = re.compile(
    r"<(?!/?(?:p|h[234]|b|i|s|sup|sub|code|ol|ul|li|hr|blockquote|a|br)\b)|<[^>]*\son\w+\s*=|href=.(?!https?:|mailto:|tel:|#)"
)
PIECES = st.sampled_from([
    "<p>", "</p>", "<script>", "</script>", "<b>", "</i>", "[caption]", "[/caption]", "[gallery ids=1]", "<img src=x onerror=y>", "<!--",
    "-->", "<!-- wp:image -->", "<ul><li>", "</ul>", "<a href='javascript:x'>", "</a>", "<blockquote>", "<table><tr><td>", "\n\n", "x",
    "&lt;", "<svg>", "<style>", "[code]", "<pre>", "<iframe src=//x.example>", "]]>", "<a href=http://[>", "\0", "<math>", "<template>",
    "<cite>",
])  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@hypothesis_settings(deadline=None, max_examples=300)
def test_any_text_gives_harmless_blocks(text):
    for kind, value in blocks_of(text, NOTHING, lambda line, what: None):
        if kind == "text":
            assert not HARMFUL.search(value), value


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 100_000,
        "<!--" * 100_000,
        "[a " * 100_000,
        "<a " * 100_000,
        "<b><i>" * 8000,
        "<ul><li>" * 3000,
        "[gallery]" * 2000,
    ],
)
def test_a_body_made_to_take_long_ends(text):
    blocks_of(text, NOTHING, lambda line, what: None)


def test_too_many_elements_become_words():
    said = []
    blocks = blocks_of("<i>a</i>" * ELEMENTS_MAX, NOTHING, lambda line, what: said.append(what))
    assert "<i>" not in blocks[0][1]
    assert "elements" in said[0]


def _spoiled(at: int, data: bytes) -> bytes:
    whole = (WXR_HEAD + wxr_item(1, content="x") + WXR_TAIL).encode()
    return whole[:at] + data + whole[at:]


EXPORTS = (
    st.binary(max_size=300)
    | st.text().map(lambda text: (WXR_HEAD + wxr_item(1, content=text) + WXR_TAIL).encode("utf-8", "replace"))
    | st.tuples(st.integers(0, 2000), st.binary(max_size=20)).map(lambda pair: _spoiled(*pair))
)


@given(EXPORTS)
@hypothesis_settings(deadline=None, max_examples=200)
def test_any_bytes_give_items_or_a_clear_refusal(data):
    try:
        list(Wxr(io.BytesIO(data)))
    except ExportInvalid as error:
        assert error.error_code.startswith("wxr.")
        assert error.problems[0].path.startswith("line ")
