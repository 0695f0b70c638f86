"""Client, Member, AccessKey, LoginLink."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.control.catalogue.shelf import OFFERS
from webstreet.kernel.ids import SLUG_MAX
from webstreet.kernel.secret import Secret

KEY_START = "ws"
LINK_LIFE = dt.timedelta(minutes=10)
LAST_USED_EVERY = dt.timedelta(minutes=1)


def fingerprint(secret: str) -> str:
    """What is stored of a random key: SHA-256. (Slow hashes are for passwords; this has 256 bits of randomness.)"""
    return hashlib.sha256(secret.encode()).hexdigest()


class Role(models.TextChoices):
    """What a member or a key may do. Operators act for the hoster, the others for one client."""

    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Client admin")
    VIEWER = "viewer", _("Client viewer")


def _role_fits(prefix: str) -> models.CheckConstraint:
    """Operators belong to no client, everybody else to exactly one."""
    operator = models.Q(role="operator", client__isnull=True)
    others = models.Q(role__in=["admin", "viewer"], client__isnull=False)
    return models.CheckConstraint(condition=operator | others, name=f"{prefix}_role_fits_client")


class Client(models.Model):
    """The organisation that sites are hosted for."""

    client_path = "pk"

    name = models.CharField(
        _("name"),
        max_length=SLUG_MAX,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z", _("Use lower-case letters, digits and hyphens."))],
    )
    title = models.CharField(_("title"), max_length=200)
    offer = models.CharField(_("offer"), max_length=20, choices={o.name: o.title for o in OFFERS.values()})
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class Member(models.Model):
    """A person who may log in, and for whom."""

    client_path = "client"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member")
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.CASCADE, related_name="members")
    role = models.CharField(_("role"), max_length=10, choices=Role)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [_role_fits("member")]

    def __str__(self) -> str:
        return f"{self.user.get_username()} ({self.get_role_display()})"


class AccessKey(models.Model):
    """A bearer key of the API. Only its hash is stored; ``prefix`` lets people tell keys apart."""

    client_path = "client"

    prefix = models.CharField(_("begins with"), max_length=16, unique=True)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    label = models.CharField(_("label"), max_length=100)
    role = models.CharField(_("role"), max_length=10, choices=Role)
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.CASCADE, related_name="keys")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    created_by = models.CharField(_("made by"), max_length=120)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("access key")
        verbose_name_plural = _("access keys")
        ordering = ["-created_at"]
        constraints = [_role_fits("key")]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @classmethod
    def make(cls, *, label: str, role: str, by: str, client: Client | None = None) -> tuple[AccessKey, Secret]:
        """A new key and its text, which is never seen again."""
        prefix = f"{KEY_START}_{secrets.token_hex(4)}"
        text = f"{prefix}_{secrets.token_urlsafe(32)}"
        key = cls.objects.create(
            prefix=prefix, hash=fingerprint(text), label=label, role=role, client=client, created_by=by
        )
        return key, Secret(text)

    @classmethod
    def find(cls, text: str) -> AccessKey | None:
        """The usable key with this text, if there is one."""
        return cls.objects.filter(hash=fingerprint(text), revoked_at=None).select_related("client").first()

    def used(self) -> None:
        """Remember that it was used; at most one write a minute."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > LAST_USED_EVERY:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> None:
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])


class LoginLink(models.Model):
    """Logs one person into the console once, within ten minutes. Only its hash is stored."""

    hash = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    next = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=120)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Login link {self.pk}"

    @classmethod
    def make(cls, user: object, *, by: str, next: str = "") -> tuple[LoginLink, Secret]:
        text = secrets.token_urlsafe(32)
        expires_at = timezone.now() + LINK_LIFE
        link = cls.objects.create(hash=fingerprint(text), user=user, next=next, created_by=by, expires_at=expires_at)
        return link, Secret(text)

    @classmethod
    def usable(cls, text: str) -> LoginLink | None:
        """The link with this text if it can still be used; looking does not use it."""
        found = cls.objects.filter(hash=fingerprint(text), used_at=None, expires_at__gt=timezone.now())
        return found.select_related("user").first()

    def use(self) -> bool:
        """Use it up. Of two attempts at once, one gets True."""
        now = timezone.now()
        unused = type(self).objects.filter(pk=self.pk, used_at=None, expires_at__gt=now)
        return unused.update(used_at=now) == 1
