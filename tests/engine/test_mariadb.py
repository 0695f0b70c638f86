"""What Django's backend leaves different on MariaDB, and ours does not: text, sessions, servers that are old, silent or lost."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, NotSupportedError, connection, connections, transaction
from django.db.models import Value
from django.db.models.functions import Concat
from taggit.models import Tag

from webstreet.engine.backends.breaker import StoreDown, breakers

ONLY_HERE = pytest.mark.only_on("mariadb", reason="is about how MariaDB and MySQL are connected")


def names(**wanted: object) -> set[str]:
    return set(Tag.objects.filter(**wanted).values_list("name", flat=True))


@pytest.mark.requirement("P5")
@pytest.mark.django_db
class TestText:
    """The same on SQLite, PostgreSQL and MariaDB."""

    @pytest.fixture(autouse=True)
    def tags(self):
        for number, name in enumerate(["Été", "ete", "ETE", "Straße", "strasse", "a_b", "axb", "50%", "501", "😀"]):
            Tag.objects.create(name=name, slug=f"tag-{number}")

    def test_accents_and_capitals_make_another_text(self):
        assert names(name="ete") == {"ete"}
        assert names(name="strasse") == {"strasse"}
        assert names(name__in=["ETE", "😀"]) == {"ETE", "😀"}

    def test_the_same_text_is_refused_once(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            Tag.objects.create(name="ete", slug="other")
        with pytest.raises(IntegrityError), transaction.atomic():
            Tag.objects.create(name="other", slug="tag-0")
        Tag.objects.create(name="other", slug="TAG-0")

    @pytest.mark.only_on(
        "postgresql", "mariadb", reason="ignores ASCII capitals in parts of a text; our searches fold them before"
    )
    def test_parts_of_a_text_mind_capitals(self):
        assert names(name__contains="te") == {"ete"}
        assert names(name__startswith="E") == {"ETE"}
        assert names(name__endswith="TE") == {"ETE"}

    def test_capitals_are_ignored_where_one_asks_for_it(self):
        assert names(name__iexact="eTe") == {"ete", "ETE"}
        assert names(name__icontains="T") >= {"ete", "ETE", "Été", "strasse"}
        assert names(name__istartswith="STRA") == {"Straße", "strasse"}
        assert names(name__iendswith="SSE") == {"strasse"}
        assert names(name__iregex="^et[e]$") == {"ete", "ETE"}
        assert names(name__regex="^et[e]$") == {"ete"}

    def test_what_likeness_would_take_for_a_pattern_is_text(self):
        assert names(name__contains="a_b") == {"a_b"}
        assert names(name__icontains="0%") == {"50%"}
        assert names(name__istartswith=Concat(Value("A"), Value("_"))) == {"a_b"}

    def test_order_is_that_of_the_code_points(self):
        assert list(Tag.objects.order_by("name").values_list("name", flat=True)[:3]) == ["50%", "501", "ETE"]


@pytest.mark.requirement("P5")
@pytest.mark.django_db(databases=["default", "newsletter"])
def test_two_addresses_that_differ_by_an_accent_are_two_readers():
    from webstreet.atoms.newsletter.models import Subscriber

    for email in ("andre@example.org", "andr\u00e9@example.org"):
        Subscriber.objects.create(email=email)
    assert (
        Subscriber.objects.get(email="andre@example.org").pk
        != Subscriber.objects.get(email="andr\u00e9@example.org").pk
    )
    with pytest.raises(IntegrityError), transaction.atomic(using="newsletter"):
        Subscriber.objects.create(email="andre@example.org")


@ONLY_HERE
@pytest.mark.django_db(databases=["default", "newsletter"])
class TestTables:
    def test_every_column_of_text_is_compared_by_its_bytes(self):
        for alias in connections:
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "SELECT table_name, collation_name FROM information_schema.columns"
                    " WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
                )
                found = set(cursor.fetchall())
            assert found
            assert {table for table, collation in found if collation != "utf8mb4_bin"} <= {
                "wagtailsearch_indexentry",
                "modelsearch_indexentry",
            }

    def test_a_session_is_strict_in_utc_and_reads_what_is_committed(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT @@sql_mode, @@time_zone, @@tx_isolation, @@innodb_lock_wait_timeout, @@collation_connection"
            )
            mode, zone, isolation, wait, collation = cursor.fetchone()
        assert "STRICT_ALL_TABLES" in mode
        assert (zone, isolation, wait, collation) == ("+00:00", "READ-COMMITTED", 10, "utf8mb4_bin")

    def test_two_workers_pass_each_other(self):
        assert connections["newsletter"].features.has_select_for_update_skip_locked


@ONLY_HERE
class TestServers:
    @pytest.fixture
    def other(self, django_db_blocker):
        """A wrapper like the newsletter's, to be pointed elsewhere."""
        like = connections["newsletter"]
        wrapper = type(like)(dict(like.settings_dict), "other")
        with django_db_blocker.unblock():
            yield wrapper
        wrapper.close()
        breakers.close("other")

    @pytest.mark.parametrize(("version", "good"), [
        ("10.5.26-MariaDB", False), ("10.6.0-MariaDB", True), ("8.0.15", False), ("8.0.16", True), ("5.7.44-log", False),
    ])  # fmt: skip
    def test_old_servers_are_refused_with_the_version_needed(self, other, monkeypatch, version, good):
        said = {**connections["newsletter"].mysql_server_data, "version": version}
        monkeypatch.setitem(vars(other), "mysql_server_data", said)
        with contextlib.nullcontext() if good else pytest.raises(NotSupportedError, match="or later is required"):
            other.check_database_version_supported()

    @pytest.fixture
    def silent(self) -> Iterator[int]:
        """The port of a server that accepts and says nothing, as a frozen one does."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.mark.timeout(60)
    def test_a_server_that_says_nothing_is_given_up(self, other, silent):
        other.settings_dict["PORT"] = silent
        with pytest.raises(StoreDown):
            other.ensure_connection()

    def test_a_statement_may_take_longer_than_connecting(self, other):
        other.ensure_connection()
        assert other.connection._read_timeout is None
        assert other.connection._sock.gettimeout() in (None, 3)
        with other.cursor() as cursor:
            cursor.execute("SELECT SLEEP(3.2)")
            assert cursor.fetchone() == (0,)

    def test_a_lost_connection_is_a_store_that_is_down(self, other):
        other.ensure_connection()
        with other.cursor() as cursor:
            other.connection._force_close()
            for _ in range(2):
                with pytest.raises(StoreDown):
                    cursor.execute("SELECT 1")

    def test_a_statement_that_does_not_fit_the_tables_is_not(self, other):
        with other.cursor() as cursor, pytest.raises(Exception, match="no_such_column") as caught:
            cursor.execute("SELECT no_such_column FROM newsletter_subscriber")
        assert not isinstance(caught.value, StoreDown)
