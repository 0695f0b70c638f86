"""An image of a collection that is not for everybody is given to nobody else, whichever page shows it, in whatever size."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from wagtail.models import Collection, CollectionViewRestriction

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed() -> Collection:
    return Collection.get_first_root_node().add_child(name="Members")


@pytest.fixture
def addresses(make, picture, closed) -> list[str]:
    """Of the original and of a size made of it; a public article shows the image."""
    image = picture("cover.jpg")
    image.collection = closed.add_child(name="Below")
    image.save()
    make("Shown", cover=image)
    return [image.file.url, image.get_rendition("max-20x20").url]


def statuses(web, addresses: list[str]) -> set[int]:
    answers = [web.get(address) for address in addresses]
    assert all("public" not in answer.headers.get("Cache-Control", "") for answer in answers if web.cookies)
    return {answer.status_code for answer in answers}


def test_an_image_is_for_everybody_until_its_collection_is_not(addresses, closed, web, member_web, editor_web) -> None:
    assert statuses(web, addresses) == {200}
    restriction = CollectionViewRestriction.objects.create(collection=closed, restriction_type="login")
    assert statuses(web, addresses) == {404}
    assert statuses(member_web, addresses) == {200}
    assert statuses(editor_web, addresses) == {200}
    restriction.delete()
    assert statuses(web, addresses) == {200}


def test_groups(addresses, closed, web, member_web, editor_web) -> None:
    board = Group.objects.create(name="Board")
    CollectionViewRestriction.objects.create(collection=closed, restriction_type="groups").groups.add(board)
    assert [statuses(w, addresses) for w in (web, member_web, editor_web)] == [{404}, {404}, {200}]
    User.objects.get(pk=member_web.session["_auth_user_id"]).groups.add(board)
    assert statuses(member_web, addresses) == {200}


def test_a_shared_password(addresses, closed, web, member_web) -> None:
    restriction = CollectionViewRestriction.objects.create(collection=closed, restriction_type="password", password="x")
    assert [statuses(w, addresses) for w in (web, member_web)] == [{404}, {404}]
    web.get("/search/")
    session = web.session
    session["passed_collection_view_restrictions"] = [restriction.pk]
    session.save()
    assert statuses(web, addresses) == {200}
