"""Settings come from a variable or from the file that NAME_FILE names, never from both."""

from __future__ import annotations

from pathlib import Path

import pytest

from webstreet.contract import environment
from webstreet.contract.environment import SettingInvalid, read


def test_the_variable_itself() -> None:
    assert read({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL") == "sqlite:///x"


@pytest.mark.requirement("P7")
@pytest.mark.parametrize("name", environment.ALL)
def test_every_setting_can_be_a_secret_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a value with = and é\n", "utf-8")
    assert read({f"{name}_FILE": str(file)}, name) == "a value with = and é"


@pytest.mark.parametrize("environ", [{}, {"REDIS_URL": ""}, {"REDIS_URL": "", "REDIS_URL_FILE": ""}])
def test_unset_and_empty_are_the_same(environ: dict[str, str]) -> None:
    assert read(environ, "REDIS_URL", "default") == "default"


def test_an_empty_file_counts_as_unset(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" \n")
    assert read({"REDIS_URL_FILE": str(file)}, "REDIS_URL", "default") == "default"


def test_both_at_once_is_an_error_that_shows_no_value(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-the-file")
    with pytest.raises(SettingInvalid, match="remove one of them") as caught:
        read({"SECRET_KEY": "from-the-variable", "SECRET_KEY_FILE": str(file)}, "SECRET_KEY")
    assert caught.value.error_code == "setting.twice"
    assert "from-the" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="nowhere") as caught:
        read({"SECRET_KEY_FILE": str(tmp_path / "nowhere")}, "SECRET_KEY")
    assert caught.value.error_code == "setting.file"
    assert "No such file" in caught.value.message


def test_a_file_that_is_not_text_shows_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s3cr3t\xff\xfe")
    with pytest.raises(SettingInvalid, match="not UTF-8") as caught:
        read({"SECRET_KEY_FILE": str(file)}, "SECRET_KEY")
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as caught:
        read({"SECRET_KEY_FILE": str(tmp_path)}, "SECRET_KEY")
    assert caught.value.error_code == "setting.file"


def test_the_list_names_every_constant_once() -> None:
    constants = {value for name, value in vars(environment).items() if name.isupper() and isinstance(value, str)}
    assert set(environment.ALL) == constants
    assert len(environment.ALL) == len(set(environment.ALL))
