"""Site, Domain, Residency, SiteSecret."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.contract.environment import BASE_URL, EMAIL_URL
from webstreet.contract.site import MANIFEST_NAME, SiteManifest, normal_domain
from webstreet.control.clients.models import Client
from webstreet.control.orchestrators.base import SiteState, Workload
from webstreet.control.places.models import Cluster
from webstreet.control.sites.state import Differs, Shown, SiteQuerySet, differs, shown
from webstreet.control.vault import Vault
from webstreet.kernel.errors import Sentence
from webstreet.kernel.ids import SLUG_MAX, SiteId
from webstreet.kernel.secret import Secret

DEFAULT_EMAIL_URL = "DEFAULT_EMAIL_URL"
"""Name of the secret that is the installation's mail server, kept for a site that named none."""


def made_title(name: str) -> str:
    """The title of a site that was given none: "summer-2" is "Summer 2"."""
    return name.replace("-", " ").title()


@cache
def _vault(keys: Path) -> Vault:
    return Vault(keys)


def vault() -> Vault:
    """The one of this control plane; it keeps its keys between calls."""
    return _vault(settings.STATE.vault_keys)


class Site(models.Model):
    """One website of one client. A closed one is kept as a row of history; its name and domains are free again."""

    client_path = "client"

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="sites", verbose_name=_("client"))
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="sites", verbose_name=_("cluster"))
    name = models.CharField(_("name"), max_length=SLUG_MAX)
    created_at = models.DateTimeField(_("opened"), auto_now_add=True)
    created_by = models.CharField(_("opened by"), max_length=120)

    wanted_title = models.CharField(_("title"), max_length=200)
    wanted_template = models.CharField(_("template"), max_length=SLUG_MAX)
    wanted_languages = models.JSONField(_("languages"), default=list)
    wanted_atoms = models.JSONField(_("atoms"), default=dict)
    wanted_settings = models.JSONField(_("settings"), null=True, blank=True)
    wanted_suspended = models.BooleanField(_("suspended"), default=False)
    wanted_closing = models.BooleanField(_("closing"), default=False)
    wanted_generation = models.PositiveIntegerField(_("wanted generation"), default=1)
    wanted_at = models.DateTimeField(_("wanted since"), default=timezone.now)
    final_backup_label = models.CharField(max_length=60, blank=True)

    seen_state = models.CharField(
        _("seen state"), max_length=20, blank=True, choices={s.value: s.value for s in SiteState}
    )
    seen_since = models.DateTimeField(_("seen since"), null=True, blank=True)
    seen_generation = models.PositiveIntegerField(_("seen generation"), null=True, blank=True)
    seen_accepted = models.PositiveIntegerField(null=True, blank=True)
    seen_release = models.CharField(_("release"), max_length=60, blank=True)
    seen_address = models.CharField(_("address"), max_length=300, blank=True)
    seen_note = models.TextField(_("note"), blank=True)
    seen_next = models.TextField(_("what happens next"), blank=True)
    seen_next_said = models.JSONField(null=True, blank=True, editable=False)
    seen_stalled = models.BooleanField(default=False)
    seen_processes = models.JSONField(_("processes"), default=list)
    seen_backup = models.CharField(_("last backup"), max_length=500, blank=True)
    served_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["client__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "name"], condition=models.Q(closed_at=None), name="site_name_once_in_client"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client.name}/{self.name}"

    @property
    def happens_next(self) -> str:
        """What the loop said last; a `Sentence` where it is one of its own."""
        return Sentence.restored(self.seen_next, self.seen_next_said)

    @property
    def site_id(self) -> SiteId:
        return SiteId(self.client.name, self.name)

    @property
    def domain_names(self) -> list[str]:
        return [domain.name for domain in self.domains.all()]

    @property
    def settings(self) -> dict[str, str]:
        """What its processes are told besides secrets. (Null in a site from before there were any: an older control plane runs on.)"""
        return self.wanted_settings or {}

    @property
    def residency(self) -> dict[str, str]:
        return {row.atom: row.where for row in self.residencies.all()}

    @property
    def state(self) -> Shown:
        return shown(self, timezone.now())

    @property
    def differs(self) -> list[Differs]:
        return differs(self)

    @property
    def shown_title(self) -> str:
        """The title, where it says more than the name."""
        return self.wanted_title if self.wanted_title not in (self.name, made_title(self.name)) else ""

    @property
    def mail(self) -> str:
        """Whose mail server it hands its mails to: "own", "default" (the installation's), or "none"."""
        names = {secret.name for secret in self.secrets.all()}
        return "own" if EMAIL_URL in names else "default" if DEFAULT_EMAIL_URL in names else "none"

    @property
    def in_force(self) -> int:
        """How many of its customizations hold: the last about each subject that was not undone."""
        rows = sorted(self.customizations.all(), key=lambda row: row.number)
        undone = {row.undoes for row in rows}
        return len({row.subject: row for row in rows if not row.undoes and row.number not in undone})

    @property
    def address(self) -> str:
        """Where people reach it: through the proxy if there is one, else what the orchestrator says, else the first domain."""
        domains = self.domain_names
        return self.settings.get(BASE_URL) or self.seen_address or (f"https://{domains[0]}" if domains else "")

    def manifest(self) -> SiteManifest:
        return SiteManifest.read(
            {
                "client": self.client.name,
                "site": self.name,
                "title": self.wanted_title,
                "template": self.wanted_template,
                "languages": self.wanted_languages,
                "domains": self.domain_names,
                "atoms": self.wanted_atoms,
                "residency": self.residency,
            },
            name=MANIFEST_NAME,
        )

    def workload(self) -> Workload:
        """The wish as the orchestrator takes it, secrets opened."""
        secrets = {secret.name: secret.value for secret in self.secrets.all()}
        if default := secrets.pop(DEFAULT_EMAIL_URL, None):
            secrets.setdefault(EMAIL_URL, default)
        return Workload(
            manifest=self.manifest(),
            generation=self.wanted_generation,
            settings=self.settings,
            secrets=secrets,
            suspended=self.wanted_suspended,
        )

    def wish(self, *, renewed: bool = False, **changes: Any) -> bool:
        """Change the wish; False if that is what was wished already. The caller holds the row (``select_for_update``).

        Args:
            renewed: something that is kept elsewhere (a secret) changed.
        """
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if not changed and not renewed:
            return False
        for name, value in changed.items():
            setattr(self, name, value)
        self.wanted_generation += 1
        self.wanted_at = timezone.now()
        self.save(update_fields=[*changed, "wanted_generation", "wanted_at"])
        return True


class Domain(models.Model):
    """A host name of one site, in its one spelling; ``position`` 0 is the canonical one."""

    client_path = "site__client"

    name = models.CharField(_("name"), max_length=253, unique=True)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="domains")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ["site", "position"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = normal_domain(self.name)
        super().save(*args, **kwargs)


class Residency(models.Model):
    """Where the data of one atom of one site lives. No row: at the hoster."""

    client_path = "site__client"

    class Where(models.TextChoices):
        HOSTED = "hosted", _("At the hoster")
        CLIENT = "client", _("At the client")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="residencies")
    atom = models.CharField(_("atom"), max_length=SLUG_MAX)
    where = models.CharField(_("where"), max_length=10, choices=Where)

    class Meta:
        verbose_name = _("residency")
        verbose_name_plural = _("residencies")
        constraints = [models.UniqueConstraint(fields=["site", "atom"], name="residency_once_an_atom")]

    def __str__(self) -> str:
        return f"{self.atom}: {self.where}"


class SiteSecret(models.Model):
    """One secret setting of a site (``DATABASE_URL``), encrypted; `value` opens it."""

    client_path = "site__client"

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(_("name"), max_length=80)
    token = models.TextField(editable=False)

    class Meta:
        verbose_name = _("secret")
        verbose_name_plural = _("secrets")
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="secret_once_in_site")]

    def __str__(self) -> str:
        return self.name

    @property
    def value(self) -> Secret:
        return vault().open(self.token)

    @classmethod
    def put(cls, site: Site, name: str, value: Secret) -> None:
        cls.objects.update_or_create(site=site, name=name, defaults={"token": vault().close(value)})

    @classmethod
    def put_default_mail(cls, site: Site, url: Secret) -> bool:
        """Keep the installation's mail server (or none) for a site that named none of its own; whether that was another one."""
        return not site.secrets.filter(name=EMAIL_URL).exists() and cls.put_given(site, DEFAULT_EMAIL_URL, url)

    @classmethod
    def put_given(cls, site: Site, name: str, value: Secret) -> bool:
        """Keep what the installation gives to every site (or nothing, if that is empty); whether that was something else."""
        kept = site.secrets.filter(name=name).first()
        if kept.value == value if kept else not value:
            return False
        if value:
            cls.put(site, name, value)
        elif kept:
            kept.delete()
        return True

    @classmethod
    def renew_all(cls) -> int:
        """Encrypt every secret with the newest key; how many there were."""
        count = 0
        for secret in cls.objects.iterator():
            cls.objects.filter(pk=secret.pk, token=secret.token).update(token=vault().renew(secret.token))
            count += 1
        return count


# Django finds models here; they need Site above.
from webstreet.control.sites.customizations import Customization  # noqa: E402, F401
from webstreet.control.sites.imports import Import  # noqa: E402, F401
