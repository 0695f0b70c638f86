"""Processes that end with the one that started them.

``python -m webstreet.kernel.process PARENT PROGRAM ARGUMENT...`` becomes PROGRAM, which dies with PARENT: a one-off command whose
caller was killed must not go on beside its own repetition.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""
# Looked up once: between fork and exec nothing may be imported or loaded.
_libc = ctypes.CDLL(None, use_errno=True)
NOT_FOUND = 127


def die_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send us ``number`` when ``parent`` ends, however that happens; ends us at once if it already has.

    On systems without prctl only the second half is done. Safe between fork and exec.
    """
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: Sequence[str]) -> int:
    die_with_parent(int(arguments[0]), signal.SIGKILL)
    try:
        os.execvp(arguments[1], list(arguments[1:]))
    except OSError as error:
        sys.stderr.write(f"{arguments[1]}: {error.strerror}\n")
        return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
