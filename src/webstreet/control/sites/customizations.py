"""Customization: a recorded difference between a site and its template. Append-only: undoing one writes another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.control.sites.models import Site
from webstreet.kernel.errors import BadInput, Broken
from webstreet.mail.url import PROVIDERS

WHY_MAX = 500
WITH_PASSWORD = re.compile(rf"://[^\s/@:]*:[^\s/@]+@|\b(?:{'|'.join(PROVIDERS)})://[^\s/@]+@", re.I)
"""A URL with a password, or with the key of a provider of mail, which stands where others have the user."""
Atoms = Mapping[str, Mapping[str, Any]]
"""atom -> parameter -> value."""
Value = dict[str, Any]
"""``{"value": ...}``; empty where nothing was set and the default held; ``{"secret": true}`` for what is never shown."""


class CustomizationClosed(Broken):
    """Somebody tried to change or delete a recorded customization."""

    code = "customization.append_only"


class WhyMissing(BadInput):
    """A customization without a reason."""

    code = "customization.why_missing"


class SecretInCustomization(BadInput):
    """A password where everybody who may look at the site could read it."""

    code = "customization.secret"


class CustomizationQuerySet(models.QuerySet["Customization"]):
    def with_force(self) -> CustomizationQuerySet:
        """Adds ``in_force``: the last decision about its subject that was not undone."""
        undoing = Customization.objects.filter(site=OuterRef("site"), undoes=OuterRef("number"))
        same = {name: OuterRef(name) for name in ("site", "kind", "atom", "name")}
        later = Customization.objects.filter(~Exists(undoing), undoes=None, number__gt=OuterRef("number"), **same)
        closed = models.Q(undoes__isnull=False) | Exists(undoing) | Exists(later)
        return self.annotate(
            in_force=models.Case(models.When(closed, then=False), default=True, output_field=models.BooleanField())
        )

    def update(self, **_values: Any) -> NoReturn:
        raise CustomizationClosed("A customization is a record: undo it by another one instead of changing it.")

    def delete(self) -> NoReturn:
        raise CustomizationClosed("A customization is a record: undo it by another one instead of deleting it.")


class Customization(models.Model):
    """What was decided for one site: what, from what, to what, why, by whom, when. ``number`` counts within the site.

    Attributes:
        at_opening: it came with the opening, as what was asked for then; else the running site was changed.
        name: the parameter of ``atom``, or the name of the setting; empty for a residency.
        generation: the wish that made it true.
        undoes: the number of the customization that this one takes back.
    """

    client_path = "site__client"

    class Kind(models.TextChoices):
        PARAMETER = "parameter", _("Parameter")
        RESIDENCY = "residency", _("Residency")
        SETTING = "setting", _("Setting")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="customizations", verbose_name=_("site"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PARAMETER)
    atom = models.CharField(_("atom"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    before = models.JSONField(_("from"), default=dict)
    after = models.JSONField(_("to"), default=dict)
    why = models.CharField(_("why"), max_length=WHY_MAX, blank=True)
    by = models.CharField(_("by"), max_length=120)
    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    at_opening = models.BooleanField(_("at the opening"), default=False)
    generation = models.PositiveIntegerField(_("generation"))
    undoes = models.PositiveIntegerField(_("undoes"), null=True, blank=True)

    objects = CustomizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("customization")
        verbose_name_plural = _("customizations")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="customization_number_once_in_site"),
            models.UniqueConstraint(
                fields=["site", "undoes"],
                condition=models.Q(undoes__isnull=False),
                name="customization_undone_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise CustomizationClosed("A customization is a record: undo it by another one instead of changing it.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CustomizationClosed("A customization is a record: undo it by another one instead of deleting it.")

    @property
    def subject(self) -> str:
        """What it is about, as people name it: ``newsletter.on_publish``, ``residency.newsletter``, ``EMAIL_URL``."""
        if self.kind == self.Kind.RESIDENCY:
            return f"residency.{self.atom}"
        return f"{self.atom}.{self.name}" if self.kind == self.Kind.PARAMETER else self.name


def record(site: Site, rows: list[dict[str, Any]], *, why: str, by: str, **more: Any) -> list[Customization]:
    """Append ``rows``; the caller holds the site's row and has made the wish whose generation they carry."""
    first = site.customizations.count() + 1
    return [
        Customization.objects.create(
            site=site, number=first + n, why=why, by=by[:120], generation=site.wanted_generation, **row, **more
        )
        for n, row in enumerate(rows)
    ]


def reason(why: str, *, needed: bool = True) -> str:
    """The reason on one line, checked."""
    why = " ".join(why.split())
    if needed and not why:
        raise WhyMissing(
            "Say why it is done for this client, so that whoever comes later can judge whether it still has to be."
        )
    if len(why) > WHY_MAX:
        raise WhyMissing(f"The reason is at most {WHY_MAX} characters long.")
    refuse_secret(why)
    return why


def refuse_secret(text: str) -> None:
    """Raises `SecretInCustomization` for a URL with a password."""
    if WITH_PASSWORD.search(text):
        raise SecretInCustomization(
            "It holds a URL with a password. Parameters and reasons are read by everybody who may look at the site: leave it out."
        )


def opened_with(
    atoms: Atoms,
    residency: Mapping[str, str],
    given: Mapping[str, str],
    planned: Atoms,
    plain: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """How a site that is being opened differs from its template, as rows for `record`.

    Args:
        given: names of the settings that were given -> the atom each is for, empty for the whole site.
        planned: the template's atoms.
        plain: the values of those settings that are no secrets.
    """
    found: list[dict[str, Any]] = []
    for atom, values in atoms.items():
        for name in sorted(set(values) | set(planned.get(atom, {}))):
            before, after = _value(planned.get(atom, {}), name), _value(values, name)
            if before != after:
                found.append({"atom": atom, "name": name, "before": before, "after": after})
    for atom, where in residency.items():
        if where != "hosted":
            moved = {"before": {"value": "hosted"}, "after": {"value": where}}
            found.append({"kind": str(Customization.Kind.RESIDENCY), "atom": atom, **moved})
    for name, atom in sorted(given.items()):
        after = {"value": plain[name]} if name in plain else {"secret": True}
        row = {"name": name, "before": {}, "after": after}
        found.append({"kind": str(Customization.Kind.SETTING), "atom": atom, **row})
    return found


def _value(values: Mapping[str, Any], name: str) -> Value:
    return {"value": values[name]} if name in values else {}
