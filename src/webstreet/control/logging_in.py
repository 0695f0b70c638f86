"""Whether operators must have a second factor. No Django here: settings read it."""

from __future__ import annotations

from collections.abc import Mapping

from webstreet.contract.environment import SettingInvalid, read

VARIABLE = "WEBSTREET_SECOND_FACTOR"
WORDS = {"": False, "optional": False, "required": True}


def second_factor_required(environ: Mapping[str, str]) -> bool:
    """Raises:
    SettingInvalid: the variable has another value than "optional" or "required".
    """
    word = read(environ, VARIABLE).strip()
    if word not in WORDS:
        raise SettingInvalid(
            f'{VARIABLE} is "{word[:40]}": write "optional" or "required".', code="setting.second_factor"
        )
    return WORDS[word]
