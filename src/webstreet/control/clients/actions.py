"""Adding and removing clients, keys and login links. API, console and commands call these, so errors are the same everywhere."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.http import url_has_allowed_host_and_scheme

from webstreet.contract.base import closest
from webstreet.control.catalogue.shelf import offer
from webstreet.control.clients import errors
from webstreet.control.clients.access import Actor
from webstreet.control.clients.models import AccessKey, Client, LoginLink, Role
from webstreet.control.journal.models import note
from webstreet.kernel.errors import Denied
from webstreet.kernel.ids import slug
from webstreet.kernel.secret import Secret
from webstreet.logins.sessions import remove_factors

TITLE_MAX = 200


def add_client(*, name: str, title: str, offer_name: str, by: str) -> Client:
    """A new client without sites.

    Raises:
        NameInvalid, ClientTitleInvalid, OfferMissing, ClientTaken.
    """
    slug(name, what="client")
    title = title.strip() or name
    if len(title) > TITLE_MAX or any(ord(letter) < 32 for letter in title):
        raise errors.ClientTitleInvalid(f"The title of a client is one line of at most {TITLE_MAX} characters.")
    chosen = offer(offer_name)
    try:
        with transaction.atomic():
            client = Client.objects.create(name=name, title=title, offer=chosen.name)
            note(by, "client.added", client=name, object=name, offer=chosen.name)
    except IntegrityError:
        raise errors.ClientTaken(f'There is a client "{name}" already. Choose another name.') from None
    return client


def remove_client(client: Client, *, by: str) -> None:
    """Remove a client that has no open site; its closed sites, members and keys go with it, the journal stays.

    Raises:
        ClientHasSites.
    """
    with transaction.atomic():
        sites = client.sites.select_for_update()
        open_sites = [str(site) for site in sites.filter(closed_at=None).select_related("client")[:4]]
        if open_sites:
            shown = ", ".join(open_sites[:3]) + (" and more" if len(open_sites) > 3 else "")
            raise errors.ClientHasSites(f'The client "{client.name}" still has sites: {shown}. Close them first.')
        sites.all().delete()
        note(by, "client.removed", client=client.name, object=client.name)
        client.delete()


def find_client(actor: Actor, name: str) -> Client:
    """The client of that name among those the actor may know of."""
    return client_of(actor.sees(Client), name)


def client_of(rows: QuerySet[Client], name: str) -> Client:
    """The client of that name among ``rows``. Raises `ClientMissing` with the nearest."""
    # No name has a NUL, and PostgreSQL refuses to be asked for one.
    client = None if "\0" in name else rows.filter(name=name).first()
    if client is None:
        hint = closest(name, rows.values_list("name", flat=True)[:1000])
        raise errors.ClientMissing(f'There is no client "{name[:80]}".{f" {hint}" if hint else ""}')
    return client


def make_key(*, role: str, client: str, label: str, by: str) -> tuple[AccessKey, Secret]:
    """A new key for an operator (no client) or for one client."""
    if role not in Role.values:
        raise errors.KeyRoleInvalid(f"The role of a key is one of: {', '.join(Role.values)}.")
    if (role == Role.OPERATOR) == bool(client):
        raise errors.KeyRoleInvalid("An operator's key names no client; every other key names the one it is for.")
    owner = client_of(Client.objects.all(), client) if client else None
    with transaction.atomic():
        key, text = AccessKey.make(label=label.strip()[:100] or role, role=role, client=owner, by=by)
        note(by, "key.made", client=client, object=key.prefix, role=role)
    return key, text


def revoke_key(key: AccessKey, *, by: str) -> None:
    """From now on nothing can be done with this key. Repeatable."""
    with transaction.atomic():
        if key.revoked_at is None:
            key.revoke()
            note(by, "key.revoked", client=key.client.name if key.client else "", object=key.prefix)


def make_login_link(*, by: str, next: str = "", reset: bool = False) -> tuple[LoginLink, Secret]:
    """A link that logs an operator into the console once; with ``reset`` the operator's second factors are lost, and are taken away."""
    if next and not (next.startswith("/console/") and url_has_allowed_host_and_scheme(next, allowed_hosts=None)):
        raise errors.NextInvalid("The page to land on is a path of the console, as in /console/sites/site/.")
    users = get_user_model().objects.filter(is_active=True, member__role=Role.OPERATOR)
    user = users.order_by("pk").first()
    if user is None:
        raise Denied("There is no active operator to log in.", code="operator.missing")
    with transaction.atomic():
        if reset:
            remove_factors(user)
            note(by, "operator.factors_reset", object=user.get_username())
        link, text = LoginLink.make(user, by=by, next=next)
        note(by, "login_link.made", object=user.get_username())
    return link, text
