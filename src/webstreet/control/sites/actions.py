"""Opening, suspending, resuming and closing sites: each in one transaction, each a change of the wish. Reconcile makes it true."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from webstreet.contract import environment
from webstreet.contract.base import closest, listed
from webstreet.contract.site import MANIFEST_NAME, SiteManifest
from webstreet.control import wake
from webstreet.control.catalogue import shelf
from webstreet.control.clients.access import Actor
from webstreet.control.clients.actions import client_of
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import note
from webstreet.control.places.models import Cluster, make_local
from webstreet.control.sites import errors, own_settings
from webstreet.control.sites.customizations import opened_with, reason, record
from webstreet.control.sites.front import settings_of
from webstreet.control.sites.models import Domain, Residency, Site, SiteSecret, made_title
from webstreet.control.sites.store_urls import check_client_database_url, check_database_url, check_email_url
from webstreet.kernel.errors import DocumentInvalid, Problem, Sentence
from webstreet.kernel.ids import SiteId, slug
from webstreet.kernel.secret import Secret

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Opening:
    """What is asked for when a site is opened.

    Attributes:
        parameters: atom -> parameters, laid over the template's.
        residency: atom -> "hosted" or "client"; only sensitive atoms.
        database_urls: "default" or an atom's name -> URL; stored encrypted.
        title: made from the name if empty.
        email_url: SMTP server for the site's mails, stored encrypted; none: the installation's.
        settings: name -> value of further settings of the site (`own_settings.KNOWN`), stored encrypted.
        why: the reason for what differs from the template; may be empty.
    """

    client: str
    site: str
    template: str
    title: str = ""
    domains: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    residency: Mapping[str, str] = field(default_factory=dict)
    database_urls: Mapping[str, Secret] = field(default_factory=dict)
    email_url: Secret | None = None
    settings: Mapping[str, Secret] = field(default_factory=dict)
    why: str = ""


def open_site(wish: Opening, *, by: str) -> Site:
    """Record the wish for a new site, all of it or nothing.

    Raises:
        NameInvalid: a name is not a slug.
        ClientMissing, NotFound (template.missing), SiteTaken, DomainTaken.
        DocumentInvalid: code ``manifest.invalid``, with every problem.
    """
    slug(wish.client, what="client")
    slug(wish.site, what="site")
    try:
        with transaction.atomic():
            client = client_of(Client.objects.select_for_update(), wish.client)
            if environment.FILES_URL in wish.settings:
                # Two clients may ask for the same folder at once.
                Cluster.objects.select_for_update().get(pk=make_local().pk)
            manifest = checked_manifest(wish)
            if Site.objects.kept().filter(client=client, name=wish.site).exists():
                raise _site_taken(manifest.id)
            _refuse_taken(manifest.domains)
            site = _create(client, manifest, wish, by)
    except IntegrityError:
        # Two requests at once: whoever came second learns which of the two rules it broke.
        _refuse_taken(checked_manifest(wish).domains)
        raise _site_taken(SiteId(wish.client, wish.site)) from None
    return site


def checked_manifest(wish: Opening) -> SiteManifest:
    """The manifest that the wish makes, checked against the shipped release and the stores named."""
    template = shelf.template(wish.template)
    try:
        manifest = template.site(
            client=wish.client,
            site=wish.site,
            title=wish.title.strip() or made_title(wish.site),
            languages=list(wish.languages),
            domains=list(wish.domains),
            parameters=wish.parameters,
            residency=wish.residency,
        )
    except DocumentInvalid as error:
        raise DocumentInvalid(error.document, error.problems, code="manifest.invalid") from None
    release = shelf.release()
    problems = [*manifest.problems(release), *_store_problems(manifest, wish)]
    if problems:
        raise DocumentInvalid(MANIFEST_NAME, problems, code="manifest.invalid")
    return manifest


def suspend_site(site: Site, *, by: str) -> Site:
    """Answer 503 instead of serving. Repeatable."""
    return _wish(site, "site.suspend_wanted", by, wanted_suspended=True)


def resume_site(site: Site, *, by: str) -> Site:
    """The opposite of `suspend_site`. Repeatable."""
    return _wish(site, "site.resume_wanted", by, wanted_suspended=False)


def close_site(site: Site, *, confirm: str, by: str) -> Site:
    """Stop the site, keep a final backup, remove it. Repeatable until it is gone.

    Args:
        confirm: the full name, typed by whoever wants it.
    """
    if confirm != str(site):
        raise errors.ConfirmationWrong(
            f'Closing {site} removes it; a final backup is kept. To confirm, send its full name: "confirm": "{site}".'
        )
    with transaction.atomic():
        held = _held(site)
        if held.wanted_closing:
            return held
        label = f"final-{timezone.now():%Y%m%d-%H%M%S}"
        held.wish(wanted_closing=True, wanted_suspended=True, final_backup_label=label)
        note(by, "site.close_wanted", client=held.client.name, object=str(held), backup=label)
        wake.on_commit()
    return held


def refresh_settings(*, by: str) -> int:
    """Tell the sites what stands around them now: the proxy, the mail server, what all of them are given.

    Each gets a new generation if something changed for it; how many did.
    """
    told = 0
    for site in Site.objects.kept().filter(wanted_closing=False):
        with transaction.atomic():
            held = _held(site)
            front = _front(held.domain_names)
            mail = SiteSecret.put_default_mail(held, settings.SITE_EMAIL_URL)
            if mail:
                note(by, "site.mail_changed", client=held.client.name, object=str(held), mail=held.mail)
            given = _give(held)
            wanted = {"wanted_settings": front} if front != held.settings else {}
            changed = (front if wanted else {}) | ({"secrets": given} if given else {})
            # What was taken away is a change too, with nothing to tell of.
            if (mail or given or wanted) and held.wish(renewed=mail or bool(given), **wanted) and (given or wanted):
                note(by, "site.settings_changed", client=held.client.name, object=str(held), **changed)
            told += bool(mail or given or wanted)
    return told


def _give(site: Site) -> list[str]:
    """Keep for the site what this installation gives to all; the names of what changed."""
    return [name for name, value in settings.SITE_SECRETS.items() if SiteSecret.put_given(site, name, value)]


def _front(domains: Sequence[str]) -> dict[str, str]:
    return settings_of(domains, pattern=settings.SITES_BASE_URL, proxies=settings.TRUSTED_PROXIES_TEXT)


def find_site(actor: Actor, client: str, name: str) -> Site:
    """The open site of that name among those the actor may know of."""
    rows = actor.sees(Site, Site.objects.kept()).select_related("client", "cluster")
    # No name has a NUL, and PostgreSQL refuses to be asked for one.
    site = None if "\0" in client + name else rows.filter(client__name=client, name=name).first()
    if site is None:
        known = [
            f"{c}/{s}" for c, s in actor.sees(Site, Site.objects.kept()).values_list("client__name", "name")[:1000]
        ]
        hint = closest(f"{client}/{name}", known)
        raise errors.SiteMissing(f'There is no site "{client[:60]}/{name[:60]}".{f" {hint}" if hint else ""}')
    return site


def _create(client: Client, manifest: SiteManifest, wish: Opening, by: str) -> Site:
    site = Site.objects.create(
        client=client,
        cluster=make_local(),
        name=manifest.site,
        created_by=by,
        wanted_title=manifest.title,
        wanted_template=manifest.template,
        wanted_languages=list(manifest.languages),
        wanted_atoms=manifest.model_dump(mode="json")["atoms"],
        wanted_settings=_front(manifest.domains),
    )
    for position, name in enumerate(manifest.domains):
        Domain.objects.create(site=site, name=name, position=position)
    for atom, where in manifest.residency.items():
        Residency.objects.create(site=site, atom=atom, where=where)
    SiteSecret.put(site, environment.SECRET_KEY, Secret(secrets.token_urlsafe(64)))
    by_name = shelf.release().by_name
    for store, url in wish.database_urls.items():
        variable = environment.DATABASE_URL if store == DEFAULT else by_name[store].database_variable
        SiteSecret.put(site, variable, url)
    if wish.email_url:
        SiteSecret.put(site, environment.EMAIL_URL, wish.email_url)
    own_settings.keep(site, wish.settings)
    _record_opening(site, manifest, wish, by)
    SiteSecret.put_default_mail(site, settings.SITE_EMAIL_URL)
    _give(site)
    note(
        by, "site.open_wanted", client=client.name, object=str(site), template=site.wanted_template,
        domains=list(manifest.domains), residency=dict(manifest.residency),
    )  # fmt: skip
    wake.on_commit()
    return site


def _record_opening(site: Site, manifest: SiteManifest, wish: Opening, by: str) -> None:
    """What is asked for beyond the template is a customization from the first day."""
    by_name = shelf.release().by_name
    given = {environment.EMAIL_URL: ""} if wish.email_url else {}
    given |= dict.fromkeys(wish.settings, "")
    for store in wish.database_urls:
        given |= {environment.DATABASE_URL: ""} if store == DEFAULT else {by_name[store].database_variable: store}
    planned = shelf.template(manifest.template).atoms
    rows = opened_with(site.wanted_atoms, manifest.residency, given, planned, own_settings.shown(wish.settings))
    record(site, rows, why=reason(wish.why, needed=False), by=by, at_opening=True)


def _wish(site: Site, what: str, by: str, **changes: Any) -> Site:
    with transaction.atomic():
        held = held_open(site)
        if held.wish(**changes):
            note(by, what, client=held.client.name, object=str(held), generation=held.wanted_generation)
            wake.on_commit()
    return held


def held_open(site: Site) -> Site:
    """The row of a site that can still be changed, locked until the end of the transaction. Raises `SiteClosing`."""
    held = _held(site)
    if held.wanted_closing:
        raise errors.SiteClosing(f"{held} is being closed; nothing about it can be changed any more.")
    return held


def _held(site: Site) -> Site:
    """The row, locked until the end of the transaction."""
    rows = Site.objects.kept().select_for_update(of=("self",)).select_related("client", "cluster")
    held = rows.filter(pk=site.pk).first()
    if held is None:
        raise errors.SiteMissing(f'There is no site "{site}" any more.')
    return held


def _site_taken(name: SiteId) -> errors.SiteTaken:
    return errors.SiteTaken(f'The client "{name.client}" has a site "{name.site}" already. Choose another name.')


def _taken(domains: Sequence[str]) -> list[str]:
    return list(Domain.objects.filter(name__in=domains).values_list("name", flat=True))


def _refuse_taken(domains: Sequence[str]) -> None:
    taken = _taken(domains)
    if taken:
        raise errors.DomainTaken(
            f'The domain "{taken[0]}" belongs to another site. Choose another, or close the site that has it.'
        )


def _store_problems(manifest: SiteManifest, wish: Opening) -> list[Problem]:
    """What is wrong with the URLs, never with a URL in the text: it may hold a password."""
    found = []
    sensitive = {atom.name for atom in shelf.release().atoms if atom.sensitive and atom.name in manifest.atoms}
    for store, url in wish.database_urls.items():
        path = f"database_urls.{store}"
        if store != DEFAULT and store not in sensitive:
            known = [DEFAULT, *sorted(sensitive)]
            found.append(
                Problem(
                    path,
                    Sentence.of("store.unknown", "is not a store of this site."),
                    closest(store, known) or listed("store.known", "Known: {known}.", known),
                )
            )
        elif manifest.lives_at(store) == "client" and (rule := check_client_database_url(url)):
            give = Sentence.of(
                "store.give_server", "Give the URL of a PostgreSQL, MariaDB or MySQL that the client runs."
            )
            found.append(Problem(path, rule, give))
        elif rule := check_database_url(url):
            found.append(Problem(path, rule))
    for atom in manifest.atoms:
        if manifest.lives_at(atom) == "client" and atom in sensitive and atom not in wish.database_urls:
            found.append(
                Problem(
                    f"residency.{atom}",
                    Sentence.of("store.unnamed", "is the client's, so its database must be named."),
                    Sentence.of(
                        "store.give", "Give database_urls.{atom}, the address of the client's database.", atom=atom
                    ),
                )
            )
    if wish.email_url and (rule := check_email_url(wish.email_url)):
        found.append(Problem("email_url", rule))
    return found + own_settings.problems(wish.settings)
