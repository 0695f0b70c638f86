"""Prepare: prototypes equal a migration, every repetition changes nothing, a kill in the middle is repaired; and backup."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

RANDOM_OR_TIME = re.compile(r"'[0-9a-f]{32}'|'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?'")


def dump(path: Path) -> list[str]:
    """The whole database as SQL, without what is different every time: moments and random UUIDs."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [RANDOM_OR_TIME.sub("?", line) for line in database.iterdump()]


@pytest.fixture
def cache(tmp_path):
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def _steps(documents: list[dict]) -> set[str]:
    return {d["step"] for d in documents}


def test_a_prototype_is_exactly_what_migrating_makes(site_processes, cache, tmp_path):
    migrated, copied = site_processes(**cache), site_processes(**cache)
    migrate = "from webstreet.engine.preparation import migrate_all; migrate_all(print)"
    migrated.data.mkdir(mode=0o700)
    copied.data.mkdir(mode=0o700)
    assert "migrate default" in migrated.python(migrate)
    assert len(list((tmp_path / "cache/webstreet/databases").glob("*.sqlite3"))) == 2
    assert "migrate" not in copied.python(migrate)
    for name in ("site.sqlite3", "newsletter.sqlite3"):
        assert dump(migrated.data / name) == dump(copied.data / name)
    site = dump(copied.data / "site.sqlite3")
    assert any("wagtailcore_page" in line for line in site)
    assert not any("newsletter_subscriber" in line for line in site if line.startswith("CREATE"))


def test_prepare_again_changes_nothing_and_is_quiet(site_processes):
    site = site_processes()
    site.documents("prepare")
    before = {p.name: dump(p) for p in site.data.glob("*.sqlite3")}
    assert _steps(site.documents("prepare")) == {"ready"}
    assert {p.name: dump(p) for p in site.data.glob("*.sqlite3")} == before


def test_killed_in_the_middle_it_is_finished_by_the_next(site_processes, cache, wait_until):
    site = site_processes(**cache)
    process = site.start("prepare")
    wait_until(
        lambda: '"migrate default","done":3' in site.log().replace('"done": ', '"done":'), what="some migrations"
    )
    process.kill()
    process.wait(10)
    documents = site.documents("prepare")
    assert {"migrate default", "content types", "starter content", "ready"} <= _steps(documents)
    assert (
        site.python("from django.contrib.auth.models import Permission; print(Permission.objects.count() > 100)")
        == "True"
    )


def test_an_unusable_cache_is_no_problem(site_processes, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    site = site_processes(XDG_CACHE_HOME=str(tmp_path / "file"))
    assert "migrate default" in _steps(site.documents("prepare"))


def test_a_backup_is_complete_consistent_and_said_to_be_finished(site_processes, tmp_path):
    site = site_processes()
    site.documents("prepare")
    (site.data / "files").mkdir()
    (site.data / "files" / "cover.jpg").write_bytes(b"picture")
    folder = tmp_path / "backup"
    assert site.documents("backup", str(folder))[-1]["step"] == "backup"
    said = json.loads((folder / "backup.json").read_text())
    assert said["site"] == "groupe-7/test"
    assert said["databases"] == {"default": "default.sqlite3", "newsletter": "newsletter.sqlite3"}
    assert dump(folder / "default.sqlite3") == dump(site.data / "site.sqlite3")
    assert (folder / "files" / "cover.jpg").read_bytes() == b"picture"
    assert set(said["sha256"]) >= {
        "default.sqlite3",
        "newsletter.sqlite3",
        "files/cover.jpg",
        "site.yaml",
        "secret.key",
    }
    assert (folder / "newsletter.sqlite3").stat().st_mode & 0o077 == 0
    again = site.run("backup", str(folder))
    assert again.returncode == 1
    assert '"code":"backup.exists"' in again.stdout


@pytest.mark.requirement("H4")
def test_client_resident_data_is_left_out_of_the_backup_and_said(site_processes, tmp_path):
    client = tmp_path / "client.sqlite3"
    site = site_processes(NEWSLETTER_DATABASE_URL=f"sqlite:///{client}", SECRET_KEY="only-for-tests-" * 5)
    site.manifest.write_text(site.manifest.read_text() + "residency: {newsletter: client}\n")
    site.documents("prepare")
    assert client.exists()
    folder = tmp_path / "backup"
    done = site.run("backup", str(folder))
    assert "Left out: newsletter" in done.stderr
    assert not list(folder.glob("newsletter*"))
    assert json.loads((folder / "backup.json").read_text())["left_out"] == ["newsletter"]


def test_a_backup_does_not_mix_with_other_files(site_processes, tmp_path):
    site = site_processes()
    site.documents("prepare")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.jpg").write_bytes(b"")
    done = site.run("backup", str(tmp_path / "full"))
    assert '"code":"backup.not_empty"' in done.stdout
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["holiday.jpg"]


@pytest.mark.requirement("H4")
def test_a_client_whose_database_is_away_does_not_keep_the_site_closed(site_processes, wait_until, tmp_path):
    """The site is prepared without it, answers 503 for that atom only, and the worker finishes when it is back."""
    import http.client
    import socket

    home = tmp_path / "client"
    client = home / "newsletter.sqlite3"
    site = site_processes(NEWSLETTER_DATABASE_URL=f"sqlite:///{client}", SECRET_KEY="only-for-tests-" * 5)
    site.manifest.write_text(site.manifest.read_text() + "residency: {newsletter: client}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site.environ["BASE_URL"] = f"http://127.0.0.1:{port}"
    done = site.run("prepare")
    assert done.returncode == 0, done.stderr
    assert "The database of newsletter does not answer" in done.stderr
    site.start("serve", "--port", str(port))

    def ask(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    wait_until(lambda: ask("/-/ready") == 200, what="readiness without the newsletter")
    assert ask("/") == 200
    assert ask("/newsletter/confirm/" + "x" * 43 + "/") == 503
    assert ask("/fr/newsletter/confirm/" + "x" * 43 + "/") == 503
    home.mkdir()
    site.start("work")
    wait_until(
        lambda: client.exists() and "prepare.finished_late" in site.log(), seconds=60, what="the rest of prepare"
    )
    assert "newsletter_" in " ".join(dump(client))


def test_a_site_whose_own_database_is_away_says_so(site_processes):
    site = site_processes(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", SECRET_KEY="only-for-tests-" * 5)
    done = site.run("prepare")
    assert done.returncode == 1
    failure = json.loads(done.stdout.splitlines()[-1])
    assert (failure["kind"], failure["code"]) == ("failure", "database.unreachable")
    assert "Traceback" not in done.stderr
