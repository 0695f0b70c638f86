"""Hooks: a closed table, called in order."""

from __future__ import annotations

import pytest

from webstreet.engine import hooks


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
    receivers("dashboard_panels", lambda request: "late", order=-5)
    receivers("dashboard_panels", lambda request: "early", order=-10)
    assert hooks.call("dashboard_panels", None)[:2] == ["early", "late"]


def test_first_answer_that_is_not_none_wins(receivers):
    receivers("render_announcement", lambda uuid: None, order=-10)
    receivers("render_announcement", lambda uuid: "ours", order=-9)
    assert hooks.first("render_announcement", None) == "ours"


def test_registering_twice_is_registering_once(receivers):
    def receiver(request):
        return "once"

    receivers("dashboard_panels", receiver)
    receivers("dashboard_panels", receiver)
    assert hooks.call("dashboard_panels", None).count("once") == 1


@pytest.mark.parametrize("use", [hooks.call, hooks.first, hooks.register])
def test_an_unknown_name_is_a_mistake(use):
    with pytest.raises(hooks.HookUnknown) as caught:
        use("article_publik")
    assert caught.value.error_code == "hook.unknown"
