"""A site's whole life on the command line: opened, filled, watched, paused, closed with a final backup."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cli.conftest import Control, Result, command, environment, run
from tests.meta.source import ROOT
from webstreet.cli.errors import CONFLICT, FAILED, MISSING, USAGE
from webstreet.contract.jobs import SOURCES

Run = Callable[..., Result]
DUMP = ROOT / "examples" / "crispy-octo.sql"
SITE = "life/blog"


@pytest.fixture(scope="module")
def site(control: Control) -> str:
    """An open site; its address."""
    run(control.state, "client", "add", "life", "--title", "Life")
    opened = run(
        control.state, "site", "open", SITE, "--title", "A Blog", "--domain", "Blog.Life.Example.", "--language", "en"
    )
    assert opened.code == 0, opened.err
    assert "✓ Recording the wish" in opened.err
    found = re.search(rf"{SITE} runs at (http://\S+)", opened.out)
    assert found, opened.out
    return found.group(1)


@pytest.mark.requirement("H11")
def test_an_open_site_answers_where_the_command_says(site: str, webstreet: Run) -> None:
    assert httpx.get(site, trust_env=False).status_code == 200
    found = webstreet("site", "status", SITE, "--json").json
    assert (found["state"], found["address"], found["domains"]) == ("running", site, ["blog.life.example"])
    shown = webstreet("site", "status", SITE)
    assert "● running" in shown.out
    assert "blog.life.example" in shown.out
    assert {"supervisor", "web", "worker"} <= set(shown.out.split())
    assert max(map(len, shown.out.splitlines())) <= 80


def test_the_same_domain_twice_is_a_conflict(site: str, webstreet: Run) -> None:
    result = webstreet("site", "open", "life/other", "--domain", "BLOG.life.example")
    assert (result.code, "[domain.taken]" in result.err) == (CONFLICT, True)
    assert webstreet("site", "open", SITE).code == CONFLICT
    assert webstreet("client", "remove", "life").code == CONFLICT
    assert [s["site"] for s in webstreet("site", "list", "--client", "life", "--json").json["items"]] == ["blog"]


def test_watching_shows_changes_as_lines_of_json(site: str, control: Control) -> None:
    watching = subprocess.Popen(
        command("site", "status", SITE, "--watch", "--json"),
        env=environment(control.state),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    assert '"running"' in watching.stdout.readline()
    watching.terminate()
    watching.wait(10)
    watching.stdout.close()


def test_an_import_reports_what_it_took_and_what_not(site: str, webstreet: Run) -> None:
    first = webstreet("site", "import", SITE, "--from", "crispy-octo", str(DUMP))
    assert first.code == 0, first.err
    assert "✓ Uploading 18.0 kB" in first.err
    assert "2 records were not taken" in first.out
    again = webstreet("site", "import", SITE, "--from", "crispy-octo", str(DUMP), "--json")
    report = again.json["report"]
    assert (report["created"].get("articles", 0), report["unchanged"]["articles"]) == (0, 12)
    assert len(report["rejected"]) == 2
    assert "example.com" not in first.out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (DUMP.read_bytes()[:9000], "dump.truncated"),
        (b"%PDF-1.4 not a dump at all\n", "dump.not_sql"),
        ("INSERT INTO `articles` VALUES (1,'é');".encode("latin-1"), "dump."),
        (b"", "import.empty"),
    ],
    ids=["truncated", "not-sql", "wrong-encoding", "empty"],
)
def test_a_bad_dump_fails_with_its_code_and_the_same_in_the_api(
    site: str, webstreet: Run, control: Control, tmp_path: Path, content: bytes, code: str
) -> None:
    file = tmp_path / "dump.sql"
    file.write_bytes(content)
    result = webstreet("site", "import", SITE, "--from", "crispy-octo", str(file), "--json")
    assert result.code in (FAILED, USAGE)
    assert result.error["code"].startswith(code)
    answer = control.api("POST", f"/sites/{SITE}/imports?source=crispy-octo", content=content)
    if answer.status_code == 202:
        assert failure(control, answer.json()["id"])["code"] == result.error["code"]
    else:
        assert answer.json()["code"] == result.error["code"]
    assert list((control.state / "spool").iterdir()) == []


def failure(control: Control, number: str) -> dict[str, str]:
    """What the API says of an import, once it ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = control.api("GET", f"/sites/{SITE}/imports/{number}").json()
        if found["state"] == "failed":
            return found["failure"]
        time.sleep(0.2)
    raise AssertionError(f"the import did not fail: {found}")


def test_logs_login_and_rendering(site: str, webstreet: Run) -> None:
    logs = webstreet("site", "logs", SITE, "--process", "web", "--lines", "5")
    assert (logs.code, len(logs.out.splitlines()) in range(1, 6)) == (0, True)
    link = webstreet("site", "login", SITE, "--next", "/admin/", "--json").json["url"]
    assert link.startswith(site)
    documents = list(yaml.safe_load_all(webstreet("site", "render", SITE).out))
    assert any(document.get("site") == "blog" for document in documents if isinstance(document, dict))
    as_json = webstreet("site", "render", SITE, "--json").json
    # What is wanted is the same in both; what is seen carries the moment.
    assert [d for d in as_json if "seen" not in d] == [d for d in documents if "seen" not in d]


def test_suspend_and_resume_are_each_others_opposite(site: str, webstreet: Run) -> None:
    assert "is suspended" in webstreet("site", "suspend", SITE).out
    paused = httpx.get(site, trust_env=False)
    assert (paused.status_code, "Retry-After" in paused.headers) == (503, True)
    assert f"runs at {site}" in webstreet("site", "resume", SITE).out
    assert httpx.get(site, trust_env=False).status_code == 200


def test_an_import_that_waits_is_listed_and_cancelled(site: str, webstreet: Run, control: Control) -> None:
    webstreet("site", "suspend", SITE)
    sent = webstreet("site", "import", SITE, "--from", "crispy-octo", str(DUMP), "--no-wait", "--json")
    number = sent.json["id"]
    shown = webstreet("site", "import", SITE, "--list")
    assert (shown.code, shown.out.split().count(number)) == (0, 1), shown.err
    assert webstreet("site", "import", SITE, "--list", "--json").json["items"][0]["state"] == "waiting"
    ended = webstreet("site", "import", SITE, "--cancel", number)
    assert (ended.code, "is being cancelled" in ended.out) == (0, True), ended.err
    webstreet("site", "resume", SITE)
    assert failure(control, number)["code"] == "import.cancelled"
    late = webstreet("site", "import", SITE, "--cancel", number)
    assert (late.code, "nothing to cancel" in " ".join(late.err.split())) == (CONFLICT, True)
    assert webstreet("site", "import", SITE, "--cancel", "none").code == USAGE
    missing = webstreet("site", "import", SITE, "--from", "csv")
    assert (missing.code, "--cancel" in missing.err) == (USAGE, True)


def test_a_backup_made_by_hand_is_put_back_by_the_commands_of_the_page(site: str, control: Control) -> None:
    bash = {"env": environment(control.state, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}"), "text": True}
    made = subprocess.run(["webstreet-control", "backup", SITE], capture_output=True, timeout=60, check=True, **bash)
    folder = Path(made.stdout.strip())
    assert folder.parent == control.state / "processes" / "backups" / SITE
    assert {"default.sqlite3", "newsletter.sqlite3", "site.yaml", "backup.json"} <= {p.name for p in folder.iterdir()}
    before = httpx.get(f"{site}/sitemap.xml", trust_env=False).text

    page = (ROOT / "docs" / "howto" / "backup.md").read_text("utf-8").partition("## Restore a site")[2]
    typed = re.findall(r"^\$ (.+)$", page, re.M)
    assert [line.split()[0] for line in typed] == ["webstreet", "cd", "rm", "cp", "mv", "webstreet"]
    script = "\n".join(typed).replace("acme/blog", SITE).replace("~/.local/share/webstreet", str(control.state))
    script = re.sub(r"by-hand-[\d-]+", folder.name, script)
    done = subprocess.run(["bash", "-ec", script], capture_output=True, timeout=120, check=False, **bash)
    assert done.returncode == 0, done.stderr
    assert httpx.get(f"{site}/sitemap.xml", trust_env=False).text == before


def test_an_export_is_written_checked_and_private(site: str, webstreet: Run, tmp_path: Path) -> None:
    archive = tmp_path / "blog.tar.gz"
    told = webstreet("site", "export", SITE, "--to", str(archive), "--json")
    assert told.code == 0, told
    assert archive.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*.part"))
    again = webstreet("site", "export", SITE, "--to", str(archive))
    assert (again.code, "is there already" in " ".join(again.err.split())) == (USAGE, True)


def test_an_import_that_cannot_be_says_so_before_it_is_sent(site: str, webstreet: Run, tmp_path: Path) -> None:
    none = webstreet("site", "import", SITE, str(DUMP))
    assert (none.code, [source for source in SOURCES if source not in none.err]) == (USAGE, []), none.err
    unknown = webstreet("site", "import", SITE, "--from", "wordpres", str(DUMP))
    assert (unknown.code, "wordpress" in unknown.err) == (USAGE, True)
    wrong = webstreet("site", "import", SITE, "--from", "crispy-octo", str(DUMP), "--dry-run")
    assert (wrong.code, "--dry-run is of imports from csv" in wrong.err) == (USAGE, True)
    empty = webstreet("site", "import", SITE, "--from", "wordpress", str(tmp_path))
    assert (empty.code, "one is needed" in empty.err) == (USAGE, True)


def test_closing_asks_says_what_goes_and_keeps_a_backup(site: str, webstreet: Run) -> None:
    unsure = webstreet("site", "close", SITE)
    assert unsure.code == USAGE
    assert "deletes the data of 6 atoms" in unsure.err
    assert "frees 1 domain: blog.life.example" in unsure.err
    assert f"--yes-close {SITE}" in " ".join(unsure.err.split())
    wrong = webstreet("site", "close", SITE, "--yes-close", "life/blgo")
    assert (wrong.code, "[site.close_unconfirmed]" in wrong.err) == (USAGE, True)
    assert webstreet("site", "status", SITE, "--json").json["closing"] is False

    closed = webstreet("site", "close", SITE, "--yes-close", SITE)
    assert closed.code == 0, closed.err
    backup = Path(closed.out.split(" is in ")[1].strip())
    assert list(backup.iterdir())
    assert webstreet("site", "status", SITE).code == MISSING
    with pytest.raises(httpx.ConnectError):
        httpx.get(site, trust_env=False)
    assert webstreet("client", "remove", "life").code == 0
