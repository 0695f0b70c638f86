"""What a report keeps is bounded, whatever the file says; and what it leaves out, it counts."""

from __future__ import annotations

from webstreet.engine.imports import KIND_LENGTH, KINDS_MAX, NOTES_MAX, OTHER_KINDS, ImportContext


def test_a_note_is_said_once_and_those_after_the_first_hundred_are_counted() -> None:
    context = ImportContext("csv")
    for number in range(NOTES_MAX + 50):
        for _ in range(2):
            context.note(f"The site has no list {number}.")
    notes = context.finish().notes
    assert notes[:2] == ["The site has no list 0.", "The site has no list 1."]
    assert len(notes) == NOTES_MAX + 1
    assert notes[-1] == "And 100 more remarks, not shown."


def test_nothing_is_said_of_notes_that_are_not_left_out() -> None:
    context = ImportContext("csv")
    for number in range(NOTES_MAX):
        context.note(str(number))
    assert context.finish().notes == [str(number) for number in range(NOTES_MAX)]


def test_kinds_that_the_source_names_are_told_until_they_are_too_many() -> None:
    context = ImportContext("wordpress")
    for number in range(KINDS_MAX + 50):
        context.counted(f"kind-{number}", 2)
    context.counted("kind-7")
    context.counted("x" * 1000)
    counted = context.finish().counted
    assert len(counted) == KINDS_MAX + 1
    assert (counted["kind-7"], counted[OTHER_KINDS]) == (3, 101)
    assert max(map(len, counted)) <= KIND_LENGTH
