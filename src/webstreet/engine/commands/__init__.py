"""The commands of ``python -m webstreet.engine``, one module each with ``add_arguments(parser)`` and ``run(options)``.

Standard output carries `contract.jobs` documents, one a line, for the control plane; standard error is for people.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webstreet.contract.base import Document


def emit(document: Document) -> None:
    """Print one document as a line; whoever reads a pipe sees it at once."""
    print(document.model_dump_json(), flush=True)


def say(text: str) -> None:
    """A line for a person."""
    print(text, file=sys.stderr, flush=True)
