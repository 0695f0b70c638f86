"""The JSON Schemas of every published document. ``python -m webstreet.contract.schemas DIR`` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import Document
from webstreet.contract.health import Facts, Live, Ready
from webstreet.contract.jobs import Failure, ImportReport, LoginLink, Progress
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import TemplateManifest

PUBLISHED: tuple[type[Document], ...] = (
    SiteManifest, AtomManifest, TemplateManifest, ReleaseManifest, Live, Ready, Facts,
    Progress, ImportReport, LoginLink, Failure,
)  # fmt: skip


def schemas() -> dict[str, str]:
    """File name -> JSON text, byte for byte reproducible."""
    found = {}
    for model in PUBLISHED:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()
        found[f"{model.__name__}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return found


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
