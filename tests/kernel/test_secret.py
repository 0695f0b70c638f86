"""A secret shows itself nowhere by accident."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from webstreet.kernel.secret import REDACTED, Secret

VALUE = "correct-horse-battery"


@dataclass(frozen=True)
class Holder:
    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(VALUE)),
        str(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r}",
        f"{Secret(VALUE):>40}",
        "%s" % Secret(VALUE),  # noqa: UP031 the old way of formatting is what is tested
        "{}".format(Secret(VALUE)),  # noqa: UP032
        repr([Secret(VALUE)]),
        repr(Holder(Secret(VALUE))),
        pprint.pformat({"password": Secret(VALUE)}),
        json.dumps({"password": Secret(VALUE)}, default=str),
        json.dumps({"password": Secret(VALUE)}, default=repr),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert VALUE not in shown
    assert REDACTED in shown


def test_json_refuses_it_unless_told_how() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": Secret(VALUE)})


def test_logging_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("connecting with %s and %r", Secret(VALUE), Holder(Secret(VALUE)))
    assert VALUE not in caplog.text
    assert REDACTED in caplog.text


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def connect(password: Secret) -> None:
        raise ConnectionError("refused")

    try:
        connect(Secret(VALUE))
    except ConnectionError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert VALUE not in shown
    assert REDACTED in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE), protocol=protocol)


def test_it_cannot_be_copied_by_the_way_of_pickle() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(Holder(Secret(VALUE)))


def test_it_has_no_dictionary_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


@given(st.text(), st.text())
def test_equality_is_of_values_and_only_among_secrets(one: str, other: str) -> None:
    assume(one.isascii() or one.isprintable())
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) != one
    assert hash(Secret(one)) == hash(Secret(one))


@given(st.text())
def test_reveal_gives_it_back(value: str) -> None:
    assert Secret(value).reveal() == value
    assert bool(Secret(value)) == bool(value)
