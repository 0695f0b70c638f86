"""One spelling of a domain, so that two sites cannot hold the same one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.contract.site import DomainInvalid, normal_domain

label = st.from_regex(r"[a-z0-9]([a-z0-9]{0,10})?", fullmatch=True)
# The last label has a letter: four numbers would be an address.
domains = st.builds(
    lambda labels, last: ".".join([*labels, last]),
    st.lists(label, max_size=4),
    st.sampled_from(["com", "org", "example"]),
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Blog.Example.COM", "blog.example.com"),
        ("blog.example.com.", "blog.example.com"),
        ("  blog.example.com ", "blog.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("été.example.org", "xn--t-9fab.example.org"),
        ("localhost", "localhost"),
    ],
)
def test_one_spelling(text: str, normal: str) -> None:
    assert normal_domain(text) == normal


@given(domains)
def test_upper_case_and_a_trailing_dot_make_no_difference(domain: str) -> None:
    assert normal_domain(domain) == normal_domain(domain.upper()) == normal_domain(domain + ".") == domain


@given(st.text(max_size=120))
def test_any_text_is_refused_or_normalised_for_good(text: str) -> None:
    try:
        once = normal_domain(text)
    except DomainInvalid:
        return
    assert normal_domain(once) == once
    assert once.isascii()
    assert once == once.lower()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "https://blog.example.com",
            "blog.example.com/path",
            "blog.example.com:8000",
            "127.0.0.1",
            "::1",
            "[::1]",
        ),
        *("my blog.example.com", "-blog.example.com", "blog..example.com", "a" * 64 + ".example", "a." * 130 + "com"),
        *("blog_1.example.com", "blog.example.com\r\nHost: other", "*.example.com"),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(DomainInvalid) as caught:
        normal_domain(text)
    assert caught.value.error_code == "domain.invalid"
    assert len(caught.value.message) < 300
