"""Bodies of ``/-/live``, ``/-/ready`` and ``/-/facts``. They carry no secret and no personal data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webstreet.contract.base import Document

LIVE_PATH = "/-/live"
READY_PATH = "/-/ready"
FACTS_PATH = "/-/facts"
METRICS_PATH = "/-/metrics"


class Live(Document):
    """200: the process runs. Never looks at anything outside the process."""

    status: Literal["live"] = "live"


class Part(Document):
    """One thing that readiness looked at ("database", "newsletter database", "cache", "migrations")."""

    name: str
    ok: bool
    needed: bool = True
    note: str = ""


class Ready(Document):
    """200 when every needed part is ok, else 503. A sensitive atom's own store is not needed: the rest of the site serves."""

    status: Literal["ready", "not ready"]
    release: str
    generation: int
    parts: list[Part] = Field(default_factory=list)


class Facts(Document):
    """What runs here: for ``seen_*`` in the control plane, which believes nothing else."""

    client: str
    site: str
    release: str
    contract: int
    generation: int
    manifest_digest: str
    image_digest: str = ""
    started_at: str
    atoms: list[str]
    databases: dict[str, str] = Field(default_factory=dict)
