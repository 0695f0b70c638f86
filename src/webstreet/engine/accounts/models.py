"""SignIn: one line of the record. SecuritySettings: what the site asks of whoever works on it."""

from __future__ import annotations

import datetime as dt

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting

KEEP_DAYS = 90
UPLOAD_MB = 20


class Result(models.TextChoices):
    SIGNED_IN = "signed_in", _("Signed in")
    REFUSED = "refused", _("Refused")
    LIMITED = "limited", _("Stopped: too many attempts")
    SIGNED_OUT = "signed_out", _("Signed out")
    FACTOR_ADDED = "factor_added", _("Factor added")
    FACTOR_REMOVED = "factor_removed", _("Factor removed")
    CODES_MADE = "codes_made", _("Recovery codes made")
    RESET = "reset", _("Factors removed by the operator")


class Method(models.TextChoices):
    """By what somebody proved who they are. With a second factor, the record names the factor: a password came before it."""

    PASSWORD = "password", _("Password")
    LINK = "link", _("One-time link")
    TOTP = "totp", _("Authenticator app")
    RECOVERY_CODES = "recovery_codes", _("Recovery code")
    WEBAUTHN = "webauthn", _("Passkey")


class SignIn(models.Model):
    """What happened at the door of the admin. ``user_id`` is a plain number, so that a line outlives the account; it is empty when the
    name was nobody's, and then nothing says what was typed or from where.
    """

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    user_id = models.BigIntegerField(null=True, db_index=True)
    result = models.CharField(_("result"), max_length=20, choices=Result)
    method = models.CharField(_("by"), max_length=20, choices=Method, blank=True)
    network = models.CharField(_("network address"), max_length=45, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ("-at", "-pk")

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"Sign-in {self.pk}"


class FactorAsked(models.TextChoices):
    NOBODY = "nobody", pgettext_lazy("who needs a second factor", "Nobody: everyone decides for themselves")
    ADMINISTRATORS = "administrators", pgettext_lazy("who needs a second factor", "Administrators")
    EVERYONE = "everyone", pgettext_lazy("who needs a second factor", "Everyone who works here")


@register_setting(icon="lock")
class SecuritySettings(BaseGenericSetting):
    """Changed in the admin, below Settings."""

    second_factor = models.CharField(
        _("second factor needed by"),
        max_length=20,
        choices=FactorAsked,
        default=FactorAsked.NOBODY,
        help_text=_("Whoever needs one and has none sets it up at the next page they open, before anything else."),
    )
    keep_days = models.PositiveSmallIntegerField(
        _("days to keep the record of sign-ins"),
        default=KEEP_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
        help_text=_("Older lines are deleted every day."),
    )

    upload_mb = models.PositiveSmallIntegerField(
        _("largest file to upload, in MB"),
        default=UPLOAD_MB,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text=_("Of one image or document."),
    )

    panels = (
        MultiFieldPanel([FieldPanel("second_factor"), FieldPanel("keep_days")], heading=_("Sign-in")),
        MultiFieldPanel([FieldPanel("upload_mb")], heading=_("Files")),
    )

    class Meta:
        verbose_name = _("Sign-in and security")


def forget_old() -> int:
    """Delete the lines that are older than the site keeps them; how many."""
    oldest = timezone.now() - dt.timedelta(days=SecuritySettings.load().keep_days)
    deleted, _of = SignIn.objects.filter(at__lt=oldest).delete()
    return deleted
