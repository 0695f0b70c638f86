"""Errors: what happened, what to do next, the code; the right exit code; the same code as the API gives."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Control, Result, run
from webstreet.cli.errors import CONFLICT, DENIED, MISSING, UNREACHABLE, USAGE

Run = Callable[..., Result]


def told(result: Result) -> str:
    """The error as one line; it must be on standard error, and standard output empty."""
    assert result.out == ""
    assert "Traceback" not in result.err
    return " ".join(result.err.split())


def test_no_control_plane_says_how_to_start_one(tmp_path: Path) -> None:
    result = run(tmp_path, "client", "list")
    assert result.code == UNREACHABLE
    assert "Start it with: webstreet control run" in told(result)
    assert told(result).endswith("[control.unreachable]")


def test_a_control_plane_that_stopped_says_the_same(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "control.json").write_text(f'{{"url": "http://127.0.0.1:{port}"}}')
    key = tmp_path / "operator.key"
    key.write_text("k")
    key.chmod(0o600)
    result = run(tmp_path, "site", "list")
    assert result.code == UNREACHABLE
    assert "Start it with: webstreet control run" in told(result)


def test_something_else_at_that_address(control: Control, tmp_path: Path) -> None:
    key = tmp_path / "k"
    key.write_text("k")
    key.chmod(0o600)
    result = run(tmp_path, "--url", f"{control.url}/nowhere", "--key-file", str(key), "client", "list")
    assert result.code == 1
    assert "[control.answer_unclear]" in told(result) or "route.missing" in told(result)


@pytest.mark.parametrize(("mode", "code"), [(0o640, "key.exposed"), (0o604, "key.exposed")])
def test_a_key_that_others_can_read_is_refused(control: Control, tmp_path: Path, mode: int, code: str) -> None:
    key = tmp_path / "key"
    key.write_text(control.key)
    key.chmod(mode)
    result = run(control.state, "--key-file", str(key), "client", "list")
    assert result.code == DENIED
    assert f"chmod 600 {key}" in told(result)
    assert told(result).endswith(f"[{code}]")
    assert control.key not in result.err


def test_a_wrong_key_is_not_allowed(control: Control, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("ws_nothing_like_it")
    key.chmod(0o600)
    result = run(control.state, "--key-file", str(key), "client", "list")
    assert result.code == DENIED
    assert "[access.key_unknown]" in told(result)


def test_the_operators_key_is_not_shown_to_a_stranger(control: Control) -> None:
    result = run(control.state, "--url", "http://127.0.0.1:9", "client", "list")
    assert result.code == DENIED
    assert told(result).endswith("[key.not_given]")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["site", "opne"], "Did you mean 'open'?"),
        (["site", "open"], "Missing argument 'CLIENT/SITE'"),
        (["site", "status", "acme/blog", "--wach"], "--watch"),
        (["client", "add", "acme", "--offer", "golden"], "shared"),
    ],
)
def test_wrong_usage_names_the_help(tmp_path: Path, arguments: list[str], says: str) -> None:
    result = run(tmp_path, *arguments)
    assert result.code == USAGE
    assert says in told(result)
    assert "--help" in told(result)
    assert told(result).endswith("[usage.wrong]")


@pytest.mark.parametrize(
    ("arguments", "suggests", "code"),
    [
        (["client", "add", "Groupe 7"], 'Try "groupe-7".', "client.name_invalid"),
        (["client", "add", "x" * 300], "x" * 40, "client.name_invalid"),
        (["site", "open", "acme blog"], 'Try "acme/blog".', "site.name_invalid"),
        (["site", "open", "blog"], "as in acme/blog", "site.name_invalid"),
        (["site", "open", "acme/My Blog"], 'Try "my-blog".', "site.name_invalid"),
        (["site", "open", "acme/blog", "--set", "newsletter=1"], "ATOM.PARAMETER=VALUE", "usage.wrong"),
    ],
)
def test_a_wrong_name_suggests_the_right_one(control: Control, arguments: list[str], suggests: str, code: str) -> None:
    result = run(control.state, *arguments)
    assert result.code == USAGE
    assert suggests in told(result)
    assert told(result).endswith(f"[{code}]")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://me:hunter2@mail.example:587",
        "smtp://first.example smtp://me:hunter2@second.example",
        "mailgun://hunter2@news.example",
        "postmark://hunter2@",
    ],
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(control: Control, url: str) -> None:
    result = run(control.state, "site", "open", "acme/blog", "--email-url", url)
    assert result.code == USAGE
    assert told(result).endswith("[secret.in_arguments]")
    assert "hunter2" not in result.err


def test_unknown_names_suggest_the_nearest(webstreet: Run) -> None:
    assert webstreet("client", "add", "nearest-client").code == 0
    missing = webstreet("client", "show", "nearest-cleint")
    assert missing.code == MISSING
    assert 'Did you mean "nearest-client"?' in told(missing)
    far = webstreet("client", "show", "zzz")
    assert "Add it with: webstreet client add zzz" in told(far)
    site = webstreet("site", "status", "nearest-client/none")
    assert (site.code, site.err.rstrip().endswith("[site.missing]")) == (MISSING, True)
    assert "webstreet site open nearest-client/none" in told(site)
    unclient = webstreet("site", "open", "nearest-cleint/blog")
    assert unclient.code == MISSING
    assert 'Did you mean "nearest-client"?' in told(unclient)
    assert "nearest-client" in webstreet("site", "list", "--client", "nearest-cleint").err
    assert 'Did you mean "publication"?' in told(webstreet("template", "show", "publikation"))
    assert 'Did you mean "newsletter"?' in told(webstreet("atom", "show", "newsleter"))


def test_a_second_of_the_same_name_is_a_conflict(webstreet: Run) -> None:
    assert webstreet("client", "add", "twice").code == 0
    result = webstreet("client", "add", "twice")
    assert result.code == CONFLICT
    assert told(result).endswith("[client.taken]")


def test_every_problem_of_a_manifest_has_its_line(webstreet: Run) -> None:
    webstreet("client", "add", "problems")
    wrong = ["--set", "newsletter.on_publish=shout", "--set", "artcles.page_size=3"]
    result = webstreet("site", "open", "problems/blog", *wrong)
    assert result.code == USAGE
    assert "newsletter.on_publish" in result.err
    assert "artcles" in result.err
    assert "[manifest.invalid]" in result.err
    assert webstreet("site", "list", "--client", "problems", "--json").json["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["client", "show", "nobody"], ("GET", "/clients/nobody", None)),
        (["client", "add", "same-code"], ("POST", "/clients", {"name": "same-code", "title": "x", "offer": "shared"})),
        (["client", "add", "Same Code"], ("POST", "/clients", {"name": "Same Code", "title": "x", "offer": "shared"})),
        (["site", "status", "acme/none"], ("GET", "/sites/acme/none", None)),
        (["site", "suspend", "acme/none"], ("POST", "/sites/acme/none/suspend", {})),
        (["template", "show", "none"], ("GET", "/templates/none", None)),
        (["atom", "show", "none"], ("GET", "/atoms/none", None)),
        (
            ["site", "open", "same-code/x", "--set", "newsletter.on_publish=shout"],
            ("POST", "/sites", {"client": "same-code", "site": "x", "template": "publication",
                                "parameters": {"newsletter": {"on_publish": "shout"}}}),
        ),
        (
            ["site", "open", "same-code/x", "--domain", "http://a.example/x"],
            ("POST", "/sites", {"client": "same-code", "site": "x", "template": "publication", "domains": ["http://a.example/x"]}),
        ),
    ],
)  # fmt: skip
def test_the_same_code_in_the_command_line_and_the_api(
    control: Control, webstreet: Run, arguments: list[str], call: tuple[str, str, dict[str, object] | None]
) -> None:
    webstreet("client", "add", "same-code")
    method, path, body = call
    answer = control.api(method, path, json=body)
    result = webstreet(*arguments, "--json")
    assert result.out == ""
    assert result.error["code"] == answer.json()["code"]
    assert result.code != 0


def test_a_file_that_is_not_there(webstreet: Run) -> None:
    result = webstreet("site", "import", "acme/blog", "--from", "crispy-octo", "/nowhere/dump.sql")
    assert result.code == USAGE
    assert told(result).endswith("[file.unreadable]")


@pytest.mark.parametrize("place", ["before the noun", "after the noun", "after the verb"])
def test_address_and_key_are_taken_wherever_they_are_typed(control: Control, tmp_path: Path, place: str) -> None:
    shared = ["--url", control.url, "--key-file", str(control.state / "operator.key")]
    before = ["before the noun", "after the noun", "after the verb"].index(place)
    words = ["client", "list"]
    assert run(tmp_path, *words[:before], *shared, *words[before:]).code == 0


@pytest.mark.parametrize("url", ["foo", "127.0.0.1:8000", "http://", "http://host:port", "ftp://a.example"])
def test_an_address_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, "client", "list", "--url", url)
    assert (result.code, "is not a URL" in told(result)) == (USAGE, True)


@pytest.mark.parametrize("verb", ["open", "suspend", "resume", "close", "import"])
def test_a_time_to_wait_is_positive(tmp_path: Path, verb: str) -> None:
    result = run(tmp_path, "site", verb, "acme/blog", *(["dump.sql"] if verb == "import" else []), "--timeout", "-3")
    assert (result.code, "--timeout" in told(result)) == (USAGE, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--language", "xx"], "--language: input should be"),
        (["--domain", "a b"], "--domain: "),
        (["--residency", "newsletter=client"], "Give --database-url-file newsletter=FILE"),
        (["--residency", "newsletter=moon"], "--residency newsletter: "),
        (["--set", "newsletter.on_publish=shout"], "--set newsletter.on_publish: "),
    ],
)
def test_a_mistake_is_told_in_the_words_that_were_typed(control: Control, options: list[str], says: str) -> None:
    run(control.state, "client", "add", "typed")
    result = run(control.state, "site", "open", "typed/blog", *options)
    assert says in told(result)
    assert "site.yaml" not in result.err
    assert told(result).endswith("[manifest.invalid]")


def test_a_wrong_choice_is_not_called_a_value_error(tmp_path: Path) -> None:
    assert "Value error" not in told(run(tmp_path, "client", "add", "acme", "--offer", "gold"))


def test_a_second_control_plane_says_how_to_stop_the_first(control: Control) -> None:
    result = run(control.state, "control", "run", "--port", "0")
    assert result.code == 1
    assert result.err.startswith("Error: A control plane already runs")
    assert max(map(len, result.err.splitlines())) <= 80 + len(str(control.state))
    assert "webstreet control halt" in told(result)
    assert told(result).endswith("[state.locked]")
