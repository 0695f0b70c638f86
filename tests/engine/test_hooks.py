"""Hooks: a closed table, called in order."""

from __future__ import annotations

import pytest

from webstreet.engine import hooks
from webstreet.engine.release import release


@pytest.fixture
def receivers():
    made = []

    def add(name, receiver, order=0):
        hooks.register(name, order=order)(receiver)
        made.append((name, receiver))
        return receiver

    yield add
    for name, receiver in made:
        hooks.unregister(name, receiver)


def test_receivers_answer_in_their_order(receivers):
    receivers("page_blocks", lambda: "late", order=-5)
    receivers("page_blocks", lambda: "early", order=-10)
    assert hooks.call("page_blocks")[:2] == ["early", "late"]


def test_first_answer_that_is_not_none_wins(receivers):
    receivers("render_announcement", lambda uuid: None, order=-10)
    receivers("render_announcement", lambda uuid: "ours", order=-9)
    assert hooks.first("render_announcement", None) == "ours"


def test_registering_twice_is_registering_once(receivers):
    def receiver():
        return "once"

    receivers("page_blocks", receiver)
    receivers("page_blocks", receiver)
    assert hooks.call("page_blocks").count("once") == 1


@pytest.mark.parametrize("use", [hooks.call, hooks.first, hooks.register])
def test_an_unknown_name_is_a_mistake(use):
    with pytest.raises(hooks.HookUnknown) as caught:
        use("article_publik")
    assert caught.value.error_code == "hook.unknown"


@pytest.mark.parametrize("atom", release().atoms, ids=lambda atom: atom.name)
def test_the_manifest_of_an_atom_names_every_hook_it_answers(atom):
    answered = {
        name for name in hooks.HOOKS for found in hooks.receivers(name) if found.__module__.startswith(f"{atom.app}.")
    }
    assert answered == set(atom.hooks_used)


def test_what_atoms_call_are_hooks():
    assert {name for atom in release().atoms for name in atom.hooks_offered} <= set(hooks.HOOKS)
