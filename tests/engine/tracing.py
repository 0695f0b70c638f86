"""What Python holds at its highest while something is done: by `tracemalloc`, which counts every byte."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

MB = 1024**2


def peak_mb(work: Callable[..., object], *arguments: object) -> float:
    """What a call held at its highest, beside what was there before it.

    Objects that refer to one another in circles are there until Python looks for them: it looks more often than in life.
    """
    # What this process holds already must not decide when garbage is looked for.
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(700, 2, 1)
    tracemalloc.start()
    try:
        work(*arguments)
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
