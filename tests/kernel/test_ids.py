"""Names: what is accepted, and that what is refused gets a usable suggestion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.kernel.ids import SLUG_MAX, NameInvalid, SiteId, nearest_slug, slug

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
slugs = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=1, max_size=4).map("-".join)


@given(slugs)
def test_a_slug_is_kept_as_it_is(name: str) -> None:
    assert slug(name) == name


@given(st.text(max_size=300))
def test_anything_else_is_refused_with_a_name_that_is_accepted(text: str) -> None:
    try:
        assert slug(text) == text
    except NameInvalid as error:
        near = nearest_slug(text)
        if near:
            assert slug(near) == near
            assert f'Try "{near}".' in error.message
        else:
            assert "Try" not in error.message.rsplit(".", 2)[-2]
        assert len(error.message) < 400


@given(st.text(max_size=300))
def test_the_nearest_slug_is_a_slug_or_nothing(text: str) -> None:
    near = nearest_slug(text)
    assert near == "" or slug(near) == near


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Acme", "acme"),
        ("my blog", "my-blog"),
        ("-blog-", "blog"),
        ("a--b", "a-b"),
        ("a" * 300, "a" * SLUG_MAX),
        ("blog\n", "blog"),
        ("été", "t"),
    ],
)
def test_wrong_names_and_what_is_suggested(text: str, near: str) -> None:
    with pytest.raises(NameInvalid, match=f'Try "{near}"') as caught:
        slug(text, what="client")
    assert caught.value.error_code == "client.name_invalid"
    assert caught.value.status == 422


@pytest.mark.parametrize("text", ["", "---", "日本"])
def test_nothing_is_suggested_where_nothing_can_be_kept(text: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        slug(text)
    assert 'Try "' not in caught.value.message


@given(slugs, slugs)
def test_a_site_id_reads_what_it_writes(client: str, site: str) -> None:
    assert SiteId.parse(str(SiteId(client, site))) == SiteId(client, site)


@pytest.mark.parametrize("text", ["blog", "", "/", "a/b/c", "acme/", "/blog", "acme/My Blog", "acme /blog", "x" * 5000])
def test_not_a_site_id(text: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        SiteId.parse(text)
    assert len(caught.value.message) < 400


def test_site_ids_sort_by_client_then_site() -> None:
    names = ["b/a", "a/b", "a/a"]
    assert [str(i) for i in sorted(map(SiteId.parse, names))] == ["a/a", "a/b", "b/a"]
