"""Lists by purpose, and who is on them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.engine import site

DEFAULT_KEY = "articles"


class MailingList(Plain):
    """One purpose that people agree to. Rows follow the parameter ``lists``; a list that left it is kept with its members."""

    key = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)

    @classmethod
    def wanted(cls) -> list[MailingList]:
        """The lists of the parameters, made where they are missing; the first receives the issues."""
        named = [(entry.key, entry.title) for entry in site.parameters("newsletter").lists]
        found = []
        for key, title in named or [(DEFAULT_KEY, _("New articles"))]:
            entry, _created = cls.objects.get_or_create(key=key, defaults={"title": title})
            found.append(entry)
        return found

    @classmethod
    def main(cls) -> MailingList:
        return cls.wanted()[0]


class Membership(Plain):
    """A subscriber on a list."""

    mailing_list = models.ForeignKey(MailingList, on_delete=models.CASCADE, related_name="memberships")
    subscriber = models.ForeignKey("newsletter.Subscriber", on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["mailing_list", "subscriber"], name="newsletter_membership_once")
        ]
