"""A small release to test with, so that a parameter that changes in an atom breaks no test of the control plane."""

from __future__ import annotations

from webstreet.contract.atom import AtomManifest
from webstreet.contract.release import ReleaseManifest

NEWSLETTER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "on_publish": {
            "type": "string",
            "enum": ["send", "draft", "off"],
            "default": "send",
            "description": "What happens.",
        },
        "batch_size": {"type": "integer", "default": 500, "description": "How many at a time."},
    },
}


def _atom(name: str, kind: str = "front-end", **more: object) -> AtomManifest:
    return AtomManifest(
        name=name, app=f"webstreet.atoms.{name}", title=name.capitalize(), kind=kind, purpose="To test.", typical_use="In tests.",
        **more,
    )  # fmt: skip


RELEASE = ReleaseManifest.of(
    "9.9.9",
    [
        _atom("articles", "back-end", stores=["database"]),
        _atom("newsletter", "back-end", sensitive=True, stores=["database"], parameters=NEWSLETTER),
        *(_atom(name) for name in ("pages", "header", "menu", "footer")),
    ],
)
