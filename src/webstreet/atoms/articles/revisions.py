"""What is live has a revision, also when no editor published it."""

from __future__ import annotations

from typing import Any


class LiveRevision:
    """For a page that `prepare` or an import made live: before its first edit is kept, what is live is kept as a revision.

    Without that, Wagtail takes a live page off the site when a change of it is scheduled, and there is nothing to go back to.
    """

    def save_revision(self, *args: Any, **kwargs: Any) -> Any:
        page: Any = self
        if page.pk and page.live_revision_id is None:
            stored = type(page).objects.get(pk=page.pk)
            if stored.live and stored.live_revision_id is None:
                page.live_revision = super(LiveRevision, stored).save_revision(changed=False, clean=False)  # type: ignore[misc]
                type(page).objects.filter(pk=page.pk).update(live_revision=page.live_revision)
        return super().save_revision(*args, **kwargs)  # type: ignore[misc]
