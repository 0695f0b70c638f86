"""What an archive says is rich text holds nothing afterwards that our editor could not have written."""

from __future__ import annotations

import pytest

from webstreet.engine.imports import markup

KEPT = [
    "",
    "Words &amp; &#x27;words&#x27;",
    '<p data-block-key="ab1">A <b>b</b><br/>c</p><hr/><ul><li data-block-key="c">d</li></ul>',
    '<p><a linktype="page" id="3">p</a> <a id="4" linktype="document">d</a> <a href="https://a.example/?b=1&amp;c">h</a></p>',
    '<p><a href="mailto:a@b.example">m</a> <a href="#part">here</a> <a href="/there/">there</a></p>',
    '<embed alt="A field" embedtype="image" format="left" id="5"/><embed embedtype="media" url="https://video.example/1"/>',
]
CHANGED = [
    ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
    ('<p onclick="alert(1)">a</p>', "<p>a</p>"),
    ('<p><a href="javascript:alert(1)">a</a></p>', "<p><a>a</a></p>"),
    ('<p><a href="java&#115;cript&colon;alert(1)">a</a></p>', "<p><a>a</a></p>"),
    ('<p><a href="java\nscript:alert(1)">a</a></p>', "<p><a>a</a></p>"),
    ('<p><a href=" \x01javascript:alert(1)">a</a></p>', "<p><a>a</a></p>"),
    ('<p>a<img src="x" onerror="alert(1)"></p>', "<p>a</p>"),
    ("<p>a</p/x=\"><script>alert(1)</script>\">", "<p>a</p>"),
    ('<p>a<!--><script>alert(1)</script>--></p>', "<p>a--&gt;</p>"),
    ('<embed src="https://evil.example/x.swf" embedtype="image" id="1">', '<embed embedtype="image" id="1"/>'),
    ("<iframe srcdoc='<script>alert(1)</script>'></iframe>", ""),
    ("<SCRIPT>alert(1)</SCRIPT>", ""),
]  # fmt: skip


@pytest.mark.parametrize("text", KEPT)
def test_what_the_editor_writes_stays_to_the_letter(text):
    assert markup.of_wagtail(text) == text


@pytest.mark.parametrize(("text", "expected"), CHANGED)
def test_what_it_cannot_write_goes(text, expected):
    assert markup.of_wagtail(text) == expected
    assert markup.of_wagtail(expected) == expected


def test_an_attribute_cannot_end_its_tag():
    """Wagtail looks for the end of a tag with a search for ">": what follows one in an attribute would become a tag."""
    found = markup.of_wagtail('<p><a linktype="page" id="1" href="/x>&lt;img src=x onerror=alert(1)>">a</a></p>')
    assert "<img" not in found
    assert found.count(">") == 4


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://a.example/?a=1&b", True), ("/there/", True), ("ftp://a.example/", True), ("javascript:alert(1)", False),
        ("JavaScript\t:alert(1)", False), (" java\nscript:alert(1)", False), ("data:text/html,<script>", False), ("vbscript:x", False),
    ],
)  # fmt: skip
def test_an_address_that_acts_is_not_linked(address, allowed):
    assert markup.may_be_linked(address) is allowed
