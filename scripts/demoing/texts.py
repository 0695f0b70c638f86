"""What the demo publishes, and what it knows of the dump from reading it itself."""

from __future__ import annotations

import re
from pathlib import Path

FIRST = (
    "How to greet an octopus",
    "Move slowly, and let it come to you: three notes from a morning under the pier.",
    [
        "An octopus decides within a second whether you are food, danger or furniture. Furniture is what you want to be.",
        (
            "Hold out one finger and wait. If it stays, a single arm will come, slow as honey, and taste you with a few dozen"
            " suckers. It is not a handshake; it is reading."
        ),
        (
            "When it has finished it lets go, one sucker after another, and turns the colour of the stone again. You have been"
            " introduced."
        ),
    ],
)
SECOND = (
    "La marée du soir",
    "Ce que la mer rapporte quand tout le monde est rentré.",
    [
        (
            "À marée descendante, la grève change de propriétaire. Les crabes sortent les premiers, puis les enfants, puis ceux"
            " qui cherchent des palourdes avec un râteau et un seau percé."
        ),
        "On ne trouve jamais ce que l’on cherche. On trouve autre chose, et l’on rentre content.",
    ],
)
PUBLIC = ("What an arm knows", "La soupe du lundi", "Crisp octopus, in two acts")
HIDDEN = {"notes-before-the-winter-issue": "smokehouse", "our-first-letter": "shan't"}
"""Addresses of a private and an archived article of the dump, each with a word that only it has."""
_SUBSCRIBER = re.compile(r"\(\d+,'([^']*)','\d{4}-")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")


def subscribers(dump: Path) -> set[str]:
    """The addresses of the dump that a mail can reach, read from its text without our importer."""
    lines = (line for line in dump.read_text("utf-8").splitlines() if line.startswith("INSERT INTO `subscribers`"))
    return {found.lower() for line in lines for found in _SUBSCRIBER.findall(line) if _ADDRESS.match(found)}
