"""What all tables of the newsletter have in common."""

from __future__ import annotations

from django.db import models, transaction
from django.db.transaction import Atomic

from webstreet.engine.routers import home

APP = "newsletter"


def alias() -> str:
    """The database alias of this atom."""
    return home(APP)


def atomic() -> Atomic:
    """A transaction on the atom's alias; Django's own default would be another database."""
    return transaction.atomic(using=alias())


class Plain(models.Model):
    """Keeps Wagtail's reference index away, and personal data out of whatever stores ``str(object)``."""

    class Meta:
        abstract = True
        app_label = APP

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"
