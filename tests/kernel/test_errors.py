"""The one exception tree: what a person reads, and what a program can rely on."""

from __future__ import annotations

import json

import pytest

from webstreet.kernel import errors
from webstreet.kernel.errors import BadInput, DocumentInvalid, Problem, Sentence, WebstreetError

KINDS = {
    errors.BadInput: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Denied: 403,
    errors.Unauthenticated: 401,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.Broken: 500,
}


@pytest.mark.parametrize(("kind", "status"), KINDS.items(), ids=lambda value: getattr(value, "__name__", str(value)))
def test_each_kind_has_its_status_and_its_own_code(kind: type[WebstreetError], status: int) -> None:
    assert kind.status == status
    assert [other for other in KINDS if other.code == kind.code] == [kind]


def test_waiting_helps_only_where_it_says_so() -> None:
    assert {kind for kind in KINDS if kind.retry} == {errors.TooMany, errors.Unavailable}


def test_text_carries_the_code_at_the_end_and_never_the_detail() -> None:
    error = BadInput("Write a number.", detail="field 7 held bytes")
    assert str(error) == "Write a number. [input.invalid]"
    assert "field 7" not in str(error)
    assert error.detail == "field 7 held bytes"


def test_code_can_name_the_fact_without_a_new_class() -> None:
    error = BadInput("Taken.", code="domain.taken")
    assert error.error_code == "domain.taken"
    assert BadInput.code == "input.invalid"


def test_document_lists_every_problem_with_path_rule_and_suggestion() -> None:
    problems = [Problem("atoms.x", "is not an atom.", 'Did you mean "y"?'), Problem("title", "is required.")]
    error = DocumentInvalid("site.yaml", problems)
    assert list(error) == problems
    assert error.message == 'site.yaml is not valid: atoms.x: is not an atom. Did you mean "y"?; title: is required.'
    assert error.error_code == "document.invalid"


def test_a_sentence_is_its_text_and_knows_what_stands_in_it() -> None:
    sentence = Sentence.of("parameter.size", "must be shorter than {size} kB.", size=16)
    assert sentence == "must be shorter than 16 kB."
    assert (sentence.code, sentence.values) == ("parameter.size", {"size": 16})
    kept = json.loads(json.dumps(Sentence.kept(sentence)))
    again = Sentence.restored(str(sentence), kept)
    assert isinstance(again, Sentence)
    assert (again, again.code, again.values) == (sentence, sentence.code, sentence.values)
    assert Sentence.kept("What a program says.") is None
    assert type(Sentence.restored("What a program says.", None)) is str
