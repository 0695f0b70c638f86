"""What every orchestrator must do. An adapter's test file gives the fixture `ground` and inherits the tests.

class TestMine(OrchestratorConformance):
    @pytest.fixture()
    def ground(self): ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from webstreet.contract.site import SiteManifest
from webstreet.control.orchestrators.base import (
    Apply,
    Backup,
    Orchestrator,
    OrchestratorError,
    Remove,
    SeenSite,
    SiteState,
    SiteUnknown,
    WishOutdated,
    Workload,
)
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.ids import SiteId
from webstreet.kernel.secret import Secret

BLOG = SiteId("acme", "blog")
SHOP = SiteId("acme", "shop")


def workload(generation: int, site: SiteId = BLOG, *, suspended: bool = False, **settings: str) -> Workload:
    manifest = SiteManifest(
        client=site.client,
        site=site.site,
        title=f"Generation {generation}",
        template="publication",
        atoms={"articles": {}},
    )
    secrets = {"SECRET_KEY": Secret(f"key of {site} that nobody may see")}
    return Workload(manifest, generation, settings, secrets, suspended)


@dataclass
class Ground:
    """What a test of one adapter needs beside the orchestrator.

    Attributes:
        tick: lets time pass a little; a real adapter only waits.
        broken: makes a wish whose processes never get ready.
        patience_s: how long something may take to come true.
    """

    orchestrator: Orchestrator
    tick: Callable[[], None]
    broken: Callable[[Workload], Workload]
    patience_s: float = 30.0

    def apply(self, wish: Workload) -> None:
        self.orchestrator.apply(Apply(wish.site, wish))

    def seen(self, site: SiteId = BLOG) -> SeenSite | None:
        return self.orchestrator.observe().get(site)

    def until(self, holds: Callable[[SeenSite], bool], site: SiteId = BLOG) -> SeenSite:
        """Observe until ``holds``; every observation on the way must be truthful."""
        deadline = time.monotonic() + self.patience_s
        seen = None
        while time.monotonic() < deadline:
            seen = self.seen(site)
            if seen is not None:
                truthful(seen)
                if holds(seen):
                    return seen
            self.tick()
        raise AssertionError(f"still {seen}")

    def run(self, wish: Workload) -> SeenSite:
        self.apply(wish)
        return self.until(lambda s: s.state is SiteState.RUNNING and s.generation == wish.generation, wish.site)


def truthful(seen: SeenSite) -> None:
    if seen.state is SiteState.RUNNING:
        assert seen.facts is not None, seen
        assert seen.facts.generation == seen.generation, seen
        assert (seen.facts.client, seen.facts.site) == (seen.site.client, seen.site.site)
        assert seen.accepted is not None
        assert seen.generation <= seen.accepted
    else:
        assert seen.generation is None or seen.state is not SiteState.SUSPENDED, seen
    if seen.state is SiteState.FAILING:
        assert seen.note, "a site that fails must say why"


class OrchestratorConformance:
    def test_nothing_is_seen_where_nothing_was_applied(self, ground: Ground) -> None:
        assert BLOG not in ground.orchestrator.observe()

    def test_apply_opens_a_site(self, ground: Ground) -> None:
        seen = ground.run(workload(1))
        assert seen.accepted == 1
        assert seen.address.startswith("http")
        assert {p.name for p in seen.processes} >= {"web", "worker"}

    def test_apply_holds_the_wish_when_it_returns(self, ground: Ground) -> None:
        ground.apply(workload(1))
        seen = ground.seen()
        assert seen is not None
        assert seen.accepted == 1

    def test_apply_twice_is_once(self, ground: Ground) -> None:
        before = ground.run(workload(1))
        ground.apply(workload(1))
        after = ground.seen()
        assert after is not None
        assert after.facts == before.facts, "the processes were started again"
        assert after.address == before.address

    def test_apply_changes_a_site(self, ground: Ground) -> None:
        before = ground.run(workload(1))
        after = ground.run(workload(2))
        assert after.accepted == after.generation == 2
        assert after.address == before.address

    def test_generations_may_be_left_out(self, ground: Ground) -> None:
        ground.run(workload(1))
        assert ground.run(workload(7)).generation == 7

    def test_an_older_generation_is_refused(self, ground: Ground) -> None:
        ground.run(workload(2))
        with pytest.raises(WishOutdated) as error:
            ground.apply(workload(1))
        assert not error.value.retry
        seen = ground.seen()
        assert seen is not None
        assert seen.accepted == 2

    def test_one_generation_never_means_two_wishes(self, ground: Ground) -> None:
        ground.run(workload(2))
        with pytest.raises(WishOutdated):
            ground.apply(workload(2, BASE_URL="https://other.example"))
        with pytest.raises(WishOutdated):
            ground.apply(replace(workload(2), secrets={"SECRET_KEY": Secret("another")}))

    def test_suspend_and_resume(self, ground: Ground) -> None:
        before = ground.run(workload(1))
        ground.apply(workload(2, suspended=True))
        seen = ground.until(lambda s: s.state is SiteState.SUSPENDED)
        assert seen.accepted == 2
        assert seen.generation is None
        assert seen.facts is None
        assert ground.run(workload(3)).address == before.address

    def test_a_site_may_be_born_suspended(self, ground: Ground) -> None:
        ground.apply(workload(1, suspended=True))
        ground.until(lambda s: s.state is SiteState.SUSPENDED)

    def test_a_generation_that_never_gets_ready_leaves_the_old_one_serving_and_says_why(self, ground: Ground) -> None:
        ground.run(workload(1))
        ground.apply(ground.broken(workload(2)))
        seen = ground.until(lambda s: bool(s.accepted == 2 and s.note))
        assert seen.state is SiteState.RUNNING
        assert seen.generation == 1
        assert ground.run(workload(3)).note == ""

    def test_a_new_site_that_never_gets_ready_fails_and_says_why(self, ground: Ground) -> None:
        ground.apply(ground.broken(workload(1)))
        seen = ground.until(lambda s: s.state is SiteState.FAILING)
        assert seen.generation is None
        assert seen.accepted == 1
        assert ground.run(workload(2)).generation == 2

    def test_backup_is_made_once_a_label(self, ground: Ground) -> None:
        ground.run(workload(1))
        ground.orchestrator.apply(Backup(BLOG, "first"))
        first = ground.seen()
        ground.orchestrator.apply(Backup(BLOG, "first"))
        again = ground.seen()
        ground.orchestrator.apply(Backup(BLOG, "second"))
        second = ground.seen()
        assert first is not None
        assert again is not None
        assert second is not None
        assert list(first.backups) == list(again.backups) == ["first"]
        assert first.backup == again.backup != ""
        assert list(second.backups) == ["first", "second"]
        assert second.backup != first.backup

    def test_a_suspended_and_a_failing_site_can_be_backed_up(self, ground: Ground) -> None:
        ground.run(workload(1))
        ground.apply(workload(2, suspended=True))
        ground.until(lambda s: s.state is SiteState.SUSPENDED)
        ground.orchestrator.apply(Backup(BLOG, "suspended"))
        ground.apply(ground.broken(workload(1, SHOP)))
        ground.until(lambda s: s.state is SiteState.FAILING, SHOP)
        ground.orchestrator.apply(Backup(SHOP, "failing"))
        assert [list(s.backups) for s in ground.orchestrator.observe().values()] == [["suspended"], ["failing"]]

    def test_remove_takes_everything_but_the_backups(self, ground: Ground) -> None:
        ground.run(workload(1))
        ground.orchestrator.apply(Backup(BLOG, "last"))
        ground.orchestrator.apply(Remove(BLOG))
        assert ground.seen() is None
        ground.orchestrator.apply(Remove(BLOG))
        seen = ground.run(workload(1))
        assert list(seen.backups) == ["last"]

    def test_sites_do_not_touch_each_other(self, ground: Ground) -> None:
        blog, shop = ground.run(workload(1)), ground.run(workload(4, SHOP))
        assert blog.address != shop.address
        ground.orchestrator.apply(Remove(SHOP))
        assert set(ground.orchestrator.observe()) == {BLOG}
        assert ground.until(lambda s: s.state is SiteState.RUNNING).facts == blog.facts

    def test_run_gives_lines_as_they_come_and_the_exit_code(self, ground: Ground) -> None:
        ground.run(workload(1))
        heard: list[str] = []
        result = ground.orchestrator.run(BLOG, ["say", "one", "two"], on_line=heard.append)
        assert (result.exit_code, result.stdout) == (0, "one\ntwo\n")
        assert heard == ["one", "two"]
        assert ground.orchestrator.run(BLOG, ["exit", "3"]).exit_code == 3

    def test_run_of_an_unknown_command_ends_with_2(self, ground: Ground) -> None:
        ground.run(workload(1))
        result = ground.orchestrator.run(BLOG, ["no-such-command"])
        assert result.exit_code == 2
        assert "no-such-command" in result.stderr

    def test_logs_are_the_last_lines(self, ground: Ground) -> None:
        for generation in (1, 2):
            ground.run(workload(generation))
        # What a process prints may reach its log a moment after it was seen serving.
        deadline = time.monotonic() + ground.patience_s
        while True:
            lines = list(ground.orchestrator.logs(BLOG, process="web"))
            serving = [line for line in lines if "serves" in line]
            if len(serving) == 2 or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        assert serving == ["generation 1 serves", "generation 2 serves"]
        assert list(ground.orchestrator.logs(BLOG, process="web", lines=1)) == lines[-1:]
        assert any(line.startswith("web: ") for line in ground.orchestrator.logs(BLOG))

    def test_an_unknown_site_is_said_so(self, ground: Ground) -> None:
        asks: list[Callable[[], object]] = [
            lambda: ground.orchestrator.run(BLOG, ["say"]),
            lambda: list(ground.orchestrator.logs(BLOG)),
            lambda: ground.orchestrator.apply(Backup(BLOG, "x")),
        ]
        for ask in asks:
            with pytest.raises(SiteUnknown) as error:
                ask()
            assert str(BLOG) in error.value.message
            assert not error.value.retry

    def test_an_unknown_step_is_an_error_of_ours(self, ground: Ground) -> None:
        from webstreet.control.orchestrators.base import Step

        with pytest.raises(OrchestratorError):
            ground.orchestrator.apply(Step(BLOG))

    def test_no_secret_is_shown(self, ground: Ground) -> None:
        seen = ground.run(workload(1))
        logs = "\n".join(ground.orchestrator.logs(BLOG))
        for text in (repr(seen), logs, repr(workload(1))):
            assert "nobody may see" not in text

    def test_many_threads_may_apply_the_same_wish(self, ground: Ground) -> None:
        errors: list[Exception] = []

        def apply() -> None:
            try:
                ground.apply(workload(1))
            except WebstreetError as error:
                errors.append(error)

        threads = [threading.Thread(target=apply) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        seen = ground.run(workload(1))
        assert sum(p.name == "web" for p in seen.processes) == 1
