"""How quick a site's manifest is read and compared with the release; beside reading its YAML alone, which is the least it could cost."""

from __future__ import annotations

import time
from collections.abc import Callable

import yaml

from benchmarks.report import RUNS, Row
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import shipped_release, shipped_template

SMALL, LARGE = 10, 100
SECONDS = 0.5


def measure() -> list[Row]:
    release = shipped_release()
    small, large = _text(SMALL), _text(LARGE)

    def whole(text: str) -> Callable[[], object]:
        return lambda: SiteManifest.read_yaml(text, name="site.yaml").check(release)

    ours, parsed, large_ours = [], [], []
    for _ in range(RUNS):
        ours.append(_rate(whole(small)))
        parsed.append(_rate(lambda: yaml.safe_load(small)))
        large_ours.append(_rate(whole(large)))
    growth = [quick / slow for quick, slow in zip(ours, large_ours, strict=True)]
    return [
        Row(f"manifest with {SMALL} domains read and checked", "/s", ours, "YAML alone", parsed),
        Row(
            f"the same with {LARGE} domains: time grows", "times", growth, target=LARGE / SMALL, higher_is_better=False
        ),
    ]


def _text(domains: int) -> str:
    names = [f"blog{number}.example" for number in range(domains)]
    common = {"client": "acme", "site": "blog", "title": "Blog", "languages": ["en", "fr"]}
    return shipped_template("publication").site(**common, domains=names).to_yaml()


def _rate(call: Callable[[], object]) -> float:
    """Calls a second."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        call()
        count += 1
    return count / (time.perf_counter() - start)
