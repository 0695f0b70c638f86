"""``python -m webstreet.control`` as it is, except that its sites are the small site program: they start in a moment."""

from __future__ import annotations

import sys

from tests.orchestrators.ground import SMALL
from webstreet.control.__main__ import main
from webstreet.control.orchestrators.processes import ProcessesOrchestrator

if __name__ == "__main__":
    ProcessesOrchestrator.__init__.__defaults__ = (SMALL, None)  # type: ignore[attr-defined]
    sys.exit(main())
