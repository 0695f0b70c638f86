"""How long tests wait for what comes by itself: a machine that does ten other things may be a hundred times slower than an idle one.

Nothing here is ever waited out on a sound page, so what is long costs time only where a test fails.
"""

from __future__ import annotations

STEP_MS = 60_000
"""One step of a browser: a page that loads, an element that appears."""
STARTED_WITHIN_S = 180.0
"""A site's first answer after it was opened."""
MAILED_WITHIN_S = 120.0
"""A message, after what causes it; of an issue also its audience and its turn."""
TEST_S = 900
"""A test of which a page has many looks, or a fixture starts everything."""
