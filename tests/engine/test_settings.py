"""The environment and site.yaml: every variable, as itself and as a file, and what is said when one is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from webstreet.engine.databases import databases
from webstreet.engine.environment import KEY_FILE, allowed_hosts, load
from webstreet.engine.release import release
from webstreet.kernel.errors import BadInput, DocumentInvalid

KEY = "k" * 60
MANIFEST = """\
client: acme
site: blog
title: Blog
template: publication
domains: [blog.example.com]
atoms: {articles: {}, newsletter: {}}
"""


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "site.yaml").write_text(MANIFEST, "utf-8")
    return {"SITE_MANIFEST": str(tmp_path / "site.yaml"), "DATA_DIR": str(tmp_path / "data")}


def _code(environ, **variables: str) -> str:
    with pytest.raises(BadInput) as caught:
        databases(load(environ | variables, release()))
    return caught.value.error_code


def test_everything_embedded_by_default(environ, tmp_path):
    found = load(environ, release())
    made = databases(found)
    assert found.base_url == "https://blog.example.com"
    assert [(url.name, url.protection) for url in found.mail] == [("localhost:25", "opportunistic")]
    assert made["default"]["NAME"] == str(tmp_path / "data" / "site.sqlite3")
    assert made["newsletter"]["NAME"] == str(tmp_path / "data" / "newsletter.sqlite3")
    assert made["newsletter"]["ENGINE"] == "webstreet.engine.backends.sqlite3"
    assert made["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_the_embedded_key_is_made_once_and_is_only_ours(environ, tmp_path):
    first, second = load(environ, release()), load(environ, release())
    path = tmp_path / "data" / KEY_FILE
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == [KEY_FILE]


VALUES = {
    "DATABASE_URL": "postgresql://u:p%40ss@db.example.org:5433/site",
    "NEWSLETTER_DATABASE_URL": "postgresql://n@client.example.org/news",
    "REDIS_URL": "redis://cache.example.org:6379/1",
    "EMAIL_URL": "smtp+tls://user:p%40ss@mail.example.org",
    "FILES_URL": "file:///srv/files",
    "NEWSLETTER_FILES_URL": "file:///srv/news",
    "BASE_URL": "http://127.0.0.1:8123",
    "SECRET_KEY": KEY,
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "IMAGE_DIGEST": "sha256:00",
    "GENERATION": "17",
}


@pytest.mark.requirement("P7")
@pytest.mark.parametrize("as_file", [False, True])
def test_every_variable_is_read_from_itself_or_from_a_file(environ, tmp_path, as_file):
    given = VALUES
    if as_file:
        given = {}
        for name, value in VALUES.items():
            (tmp_path / name).write_text(f"{value}\n", "utf-8")
            given[f"{name}_FILE"] = str(tmp_path / name)
    found = load(environ | given, release())
    made = databases(found)
    assert (made["default"]["HOST"], made["default"]["PASSWORD"], made["default"]["PORT"]) == (
        "db.example.org",
        "p@ss",
        5433,
    )
    assert made["newsletter"]["HOST"] == "client.example.org"
    assert made["newsletter"]["CONN_MAX_AGE"] == 0
    assert made["newsletter"]["OPTIONS"]["connect_timeout"] == 3
    assert found.redis_url == VALUES["REDIS_URL"]
    (mail,) = found.mail
    assert (mail.host, mail.port, mail.password.reveal(), mail.protection) == (
        "mail.example.org", 587, "p@ss", "starttls",
    )  # fmt: skip
    assert found.files == {"default": Path("/srv/files"), "newsletter": Path("/srv/news")}
    assert (found.secret_key, found.generation, found.image_digest) == (KEY, 17, "sha256:00")
    assert allowed_hosts(found.manifest, found.base_url) == ["blog.example.com", "127.0.0.1", "localhost", "[::1]"]
    assert "p@ss" not in repr(found.mail)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_given_twice_is_an_error(environ, tmp_path, name):
    (tmp_path / "value").write_text(VALUES[name], "utf-8")
    assert _code(environ | VALUES, **{f"{name}_FILE": str(tmp_path / "value")}) == "setting.twice"


@pytest.mark.parametrize("name", sorted(VALUES))
def test_an_unreadable_file_is_named(environ, tmp_path, name):
    rest = {k: v for k, v in VALUES.items() if k != name}
    assert _code(environ | rest, **{f"{name}_FILE": str(tmp_path / "nowhere")}) == "setting.file"


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"DATABASE_URL": "oracle://u@h/x", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "postgresql://u@h:port/x", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "postgresql://u@h", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mariadb://u@h", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mysql://u@h:port/x", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mysql://u@h/x?charset=latin1", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mysql://u@h/x?ssl-mode=perhaps", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mysql://u@h/x?ssl-ca=/no/such.pem", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "mysql://u@h/x?sslmode=require", "SECRET_KEY": KEY}, "setting.database_url"),
        ({"DATABASE_URL": "postgresql://u@h/x"}, "setting.secret_key"),
        ({"REDIS_URL": "http://h", "SECRET_KEY": KEY}, "setting.redis_url"),
        ({"EMAIL_URL": "mail.example.org"}, "email_url.invalid"),
        ({"EMAIL_URL": "smtp://h:99999"}, "email_url.invalid"),
        ({"FILES_URL": "s3://bucket", "SECRET_KEY": KEY}, "setting.files_url"),
        ({"BASE_URL": "blog.example.com"}, "setting.base_url"),
        ({"SECRET_KEY": "short"}, "setting.secret_key"),
        ({"GENERATION": "-1"}, "setting.invalid"),
        ({"SITE_MANIFEST": ""}, "manifest.unset"),
        ({"SITE_MANIFEST": "/nowhere/site.yaml"}, "manifest.unreadable"),
        ({"DATA_DIR": "/proc/nothing"}, "setting.data_dir"),
    ],
)
def test_what_cannot_be_used_is_said_with_a_code(environ, variables, code):
    assert _code(environ, **variables) == code


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("newsletter: {}", "newsleter: {}"), "manifest.invalid", 'Did you mean "newsletter"?'),
        (("newsletter: {}", "newsletter: {on_publish: 7}"), "manifest.invalid", "atoms.newsletter.on_publish"),
        (("site: blog", "site: My Blog"), "document.invalid", 'Try "my-blog".'),
        (("title: Blog", "titel: Blog"), "document.invalid", 'Did you mean "title"?'),
        (("title: Blog", "title: [Blog"), "document.invalid", "line"),
    ],
)
def test_a_wrong_manifest_says_path_rule_and_suggestion(environ, change, code, words):
    path = Path(environ["SITE_MANIFEST"])
    path.write_text(MANIFEST.replace(*change), "utf-8")
    with pytest.raises(DocumentInvalid) as caught:
        load(environ, release())
    assert caught.value.error_code == code
    assert words in caught.value.message


def test_client_residency_needs_the_clients_database(environ):
    Path(environ["SITE_MANIFEST"]).write_text(MANIFEST + "residency: {newsletter: client}\n", "utf-8")
    assert _code(environ) == "residency.database_missing"


def test_a_command_prints_the_failure_for_the_control_plane(site_processes):
    site = site_processes(SITE_MANIFEST="/nowhere/site.yaml")
    done = site.run("prepare")
    assert done.returncode == 1
    assert '"code":"manifest.unreadable"' in done.stdout
    assert "/nowhere/site.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_sites_that_share_a_host_do_not_share_cookies(site_processes):
    """Cookies know no ports."""
    one, other = site_processes(), site_processes()
    other.manifest.write_text(other.manifest.read_text("utf-8").replace("site: test", "site: other"), "utf-8")
    code = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    assert one.python(code) == "session.groupe-7.test csrf.groupe-7.test"
    assert other.python(code) == "session.groupe-7.other csrf.groupe-7.other"


def test_the_shipped_description_of_the_release_is_current():
    from webstreet.contract.template import shipped_release

    assert shipped_release() == release(), (
        "write it again: python -m webstreet.engine manifest > src/webstreet/catalogue/release.json"
    )
