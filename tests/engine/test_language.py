"""In which language a page is: readers' pages by their address, editors' by their browser or their own choice."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


@pytest.fixture
def web() -> Client:
    return Client(headers={"host": "blog.example.com"})


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/nothing/", "fr-FR,fr;q=0.9", "en"),
        ("/fr/rien/", "en-GB", "fr"),
        ("/admin/", "fr-CA,fr;q=0.9,en;q=0.5", "fr"),
        ("/admin/", "de,en;q=0.5,fr;q=0.4", "en"),
        ("/admin/", "de", "en"),
        ("/admin/", "\x00;;q=nonsense", "en"),
        ("/-/login/nothing/", "fr", "fr"),
        ("/-/login/nothing/", "", "en"),
    ],
)
def test_the_language_of_a_page(web, admin_user, path: str, accepted: str, language: str) -> None:
    web.force_login(admin_user)
    page = web.get(path, headers={"accept-language": accepted}).content.decode()
    assert f'<html lang="{language}"' in page or f'lang="{language}"' in page[:600]


def test_an_editors_own_choice_comes_first(web, admin_user) -> None:
    from wagtail.users.models import UserProfile

    UserProfile.objects.update_or_create(user=admin_user, defaults={"preferred_language": "fr"})
    web.force_login(admin_user)
    assert 'lang="fr"' in web.get("/admin/", headers={"accept-language": "en"}).content.decode()[:600]
