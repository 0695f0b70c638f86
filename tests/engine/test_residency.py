"""Where tables and files of a sensitive atom live, found by looking at every model."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connections, router

from tests.lab import base
from webstreet.engine.backends import breaker
from webstreet.engine.backends.breaker import StoreDown, breakers
from webstreet.engine.middleware import StoreDownPage
from webstreet.engine.routers import home
from webstreet.kernel.errors import Denied

SOMETIMES = ("django_rq", "wagtailsearch")
"""Libraries that bring other models for each kind of server."""
MODELS = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label not in SOMETIMES]
SENSITIVE = [m for m in MODELS if m._meta.app_label in settings.WEBSTREET_SENSITIVE]


def test_the_test_site_has_a_sensitive_atom():
    assert SENSITIVE


@pytest.mark.requirement("H4")
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
def test_a_model_lives_in_exactly_one_database(model):
    where = [alias for alias in connections if router.allow_migrate_model(alias, model)]
    assert where == [home(model._meta.app_label)]
    assert {router.db_for_read(model), router.db_for_write(model)} == set(where)


@pytest.mark.requirement("H4")
def test_what_libraries_bring_for_a_server_lives_with_the_site():
    found = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label in SOMETIMES]
    assert found
    for model in found:
        test_a_model_lives_in_exactly_one_database(model)
        test_no_relation_crosses_from_one_database_to_another(model)
        assert home(model._meta.app_label) == "default"


@pytest.mark.requirement("H4")
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
def test_no_relation_crosses_from_one_database_to_another(model):
    here = home(model._meta.app_label)
    for field in model._meta.get_fields(include_hidden=True):
        other = field.related_model
        if isinstance(other, type):
            assert home(other._meta.app_label) == here, field


@pytest.mark.parametrize("model", SENSITIVE, ids=lambda m: m._meta.label)
def test_wagtail_keeps_no_index_of_a_sensitive_model(model):
    from wagtail.models import Page
    from wagtail.search.index import Indexed

    assert model.wagtail_reference_index_ignore is True
    assert not issubclass(model, (Indexed, Page))


@pytest.mark.requirement("H4")
@pytest.mark.django_db(databases=["default", "newsletter"])
def test_each_database_holds_its_own_tables_only():
    for alias in connections:
        tables = set(connections[alias].introspection.table_names())
        wanted = {m._meta.db_table for m in MODELS if home(m._meta.app_label) == alias and m._meta.managed}
        assert tables - {"django_migrations", "sqlite_sequence"} >= wanted
        foreign = {m._meta.db_table for m in MODELS if home(m._meta.app_label) != alias}
        if connections[alias].settings_dict["NAME"] not in {
            connections[a].settings_dict["NAME"] for a in connections if a != alias
        }:
            assert not tables & foreign


def test_files_of_a_sensitive_atom_have_no_address_and_are_only_ours():
    storage = storages["newsletter"]
    name = storage.save("list.csv", ContentFile(b"x"))
    try:
        assert Path(storage.path(name)).stat().st_mode & 0o077 == 0
        assert not Path(storage.path(name)).is_relative_to(settings.MEDIA_ROOT)
        with pytest.raises(Denied):
            storage.url(name)
    finally:
        storage.delete(name)


class TestBreaker:
    @pytest.fixture
    def away(self, tmp_path):
        """What to change in the newsletter's settings so that its database cannot be opened."""
        if connections["newsletter"].vendor == "sqlite":
            return {"NAME": str(tmp_path / "no" / "such.sqlite3")}
        return {"PORT": base.free_port()}

    @pytest.fixture
    def dead(self, away, django_db_blocker):
        """A wrapper of the newsletter's kind whose database cannot be opened."""
        alive = connections["newsletter"]
        wrapper = type(alive)({**alive.settings_dict, **away}, "dead")
        with django_db_blocker.unblock():
            yield wrapper
        wrapper.close()
        breakers.close("dead")

    def test_the_second_attempt_does_not_touch_the_server(self, dead, monkeypatch):
        def ask() -> None:
            with dead.cursor():
                pass

        with pytest.raises(StoreDown) as first:
            ask()
        assert first.value.alias == "dead"
        assert first.value.__context__ is None

        def never(params):
            raise AssertionError("connected although the breaker is open")

        above = next(c for c in type(dead).__mro__[2:] if "get_new_connection" in vars(c))
        monkeypatch.setattr(above, "get_new_connection", never)
        with pytest.raises(StoreDown):
            ask()

    def test_it_tries_again_later(self, dead, away, monkeypatch):
        with pytest.raises(StoreDown):
            dead.ensure_connection()
        if "NAME" in away:
            Path(away["NAME"]).parent.mkdir()
        else:
            dead.settings_dict["PORT"] = connections["newsletter"].settings_dict["PORT"]
        now = breaker.time.monotonic()
        monkeypatch.setattr(breaker.time, "monotonic", lambda: now + breaker.REFUSE_S + 1)
        dead.ensure_connection()
        assert dead.connection is not None

    def test_readers_get_a_page_that_says_when_to_come_back(self, rf):
        page = StoreDownPage(lambda request: None).process_exception(rf.get("/newsletter/"), StoreDown("newsletter"))
        assert page.status_code == 503
        assert page["Retry-After"]
        answer = StoreDownPage(lambda request: None).process_exception(
            rf.get("/api/newsletter/"), StoreDown("newsletter")
        )
        assert answer["Content-Type"] == "application/problem+json"

    def test_other_errors_are_not_its_business(self, rf):
        assert StoreDownPage(lambda request: None).process_exception(rf.get("/"), ValueError()) is None
