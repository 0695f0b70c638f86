"""What the worker does from time to time about accounts."""

from __future__ import annotations

from webstreet.engine.accounts.models import forget_old
from webstreet.engine.tasks import every


@every(86_400)
def forget_old_sign_ins() -> None:
    """The site's own setting says how long the record is kept."""
    forget_old()
