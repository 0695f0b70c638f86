"""Golden stories: each YAML file is a situation, what is done about it, and what is said."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from webstreet.contract.site import SiteManifest
from webstreet.control.orchestrators.base import Apply, Backup, SeenSite, SiteState, Step, Workload
from webstreet.control.reconcile.plan import Plan, Policy, Settled, Stalled, Trouble, Waiting, Wanted, plan
from webstreet.kernel.ids import SiteId

STORIES = sorted(Path(__file__).with_name("stories").glob("*.yaml"))
MIDNIGHT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def clock(text: str) -> dt.datetime:
    """ "12:00:30" on the day of the stories."""
    hours, minutes, seconds = map(int, text.split(":"))
    return MIDNIGHT + dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def wish(name: str, told: dict[str, Any]) -> Wanted:
    site = SiteId.parse(name)
    manifest = SiteManifest(
        client=site.client, site=site.site, title=name, template="publication", atoms={"articles": {}}
    )
    return Wanted(
        Workload(manifest, told["generation"], suspended=told.get("suspended", False)),
        closing="close after backup" in told,
        final_backup_label=told.get("close after backup") or "",
    )


def sight(name: str, told: dict[str, Any]) -> SeenSite:
    return SeenSite(
        SiteId.parse(name),
        SiteState(told["state"]),
        generation=told.get("serves"),
        accepted=told.get("accepted"),
        note=told.get("note", ""),
        backups=told.get("backups", ()),
    )


def trouble(told: dict[str, Any]) -> Trouble:
    return Trouble(told["count"], clock(told["at"]), told["why"], told["generation"], retry=told.get("retry", True))


def said(step: Step) -> str:
    match step:
        case Apply():
            return f"apply generation {step.workload.generation}" + (", suspended" if step.workload.suspended else "")
        case Backup():
            return f"backup {step.label}"
        case _:
            return step.name


def outcome(made: Plan, now: dt.datetime) -> dict[str, Any]:
    results: dict[str, str] = {}
    for site, result in made.results.items():
        match result:
            case Settled():
                results[str(site)] = "settled"
            case Waiting(until, why):
                results[str(site)] = f"waiting {(until - now).total_seconds():g} s: {why}"
            case Stalled(why):
                results[str(site)] = f"stalled: {why}"
    return {"steps": {str(site): [said(s) for s in steps] for site, steps in made.steps.items()}, "results": results}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    story = yaml.safe_load(path.read_text("utf-8"))
    now = clock(story["now"])
    made = plan(
        {SiteId.parse(name): wish(name, told) for name, told in (story.get("wanted") or {}).items()},
        {SiteId.parse(name): sight(name, told) for name, told in (story.get("seen") or {}).items()},
        Policy(look_again_s=1, retry_first_s=1, retry_max_s=60),
        now,
        {SiteId.parse(name): trouble(told) for name, told in (story.get("troubles") or {}).items()},
    )
    assert outcome(made, now) == {"steps": story.get("steps") or {}, "results": story.get("results") or {}}, story[
        "story"
    ]
