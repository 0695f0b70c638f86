"""One-time links into the site's admin, for the operator and for single sign-on from the console.

The link's page changes nothing when it is fetched: mail scanners and link previews fetch links. Its button posts.
Only the token's hash is kept, and a token works once, for `LIFETIME`. A link asks for no second factor: who can make one runs the site,
and may give it to whoever lost theirs (docs/decisions).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from webstreet.engine.guessing import count_link, refuse_links
from webstreet.kernel.errors import BadInput, NotFound
from webstreet.logins.sessions import remove_factors

LIFETIME = dt.timedelta(minutes=10)
DEFAULT_EDITOR = "editor"
DEFAULT_NEXT = "/admin/"


class LoginToken(models.Model):
    """A link that was given out. ``user`` is a plain id: the row outlives the account."""

    token_hash = models.CharField(max_length=64, unique=True)
    user_id = models.BigIntegerField()
    next = models.CharField(max_length=500, default=DEFAULT_NEXT)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "engine"

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"Login token {self.pk}"


@sensitive_variables()
def make_link(
    email: str = "", next_path: str = DEFAULT_NEXT, *, create: bool = False, reset: bool = False
) -> tuple[str, dt.datetime]:
    """A path below the site's base URL that logs an editor in once, and when it stops working.

    Args:
        email: whose account. Empty: the account "editor", made with every right if there is none.
        next_path: where the editor arrives.
        create: make an account with every right for ``email`` if there is none.
        reset: the editor lost their second factor: take it and the recovery codes away, and end their sessions. It is recorded.

    Raises:
        BadInput: the next page is not on this site, or the address is not one.
        NotFound: nobody edits this site under ``email``.
    """
    next_path = next_path or DEFAULT_NEXT
    if not (next_path.startswith("/") and url_has_allowed_host_and_scheme(next_path, allowed_hosts=None)):
        raise BadInput("The next page must be a path of this site, as in /admin/pages/.", code="login.next_invalid")
    user = _editor(email.strip(), create=create)
    if reset:
        from webstreet.engine.accounts.models import Result
        from webstreet.engine.accounts.record import write

        remove_factors(user)
        write(Result.RESET, user)
    token = secrets.token_urlsafe(32)
    expires_at = timezone.now() + LIFETIME
    LoginToken.objects.filter(expires_at__lt=timezone.now() - LIFETIME).delete()
    LoginToken.objects.create(token_hash=_hash(token), user_id=user.pk, next=next_path, expires_at=expires_at)
    return reverse("engine_login", args=[token]), expires_at


def _editor(email: str, *, create: bool) -> AbstractBaseUser:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise BadInput("The editor's address is not a mail address.", code="login.email_invalid") from None
    users = get_user_model().objects
    found = users.filter(email__iexact=email).first() if email else users.filter(username=DEFAULT_EDITOR).first()
    if found is None:
        if email and not create:
            raise NotFound(
                "No editor of this site has that address: check it, ask whoever runs the site, or make the editor, who may then"
                " do everything there, with --create.",
                code="editor.missing",
            )
        return users.create_superuser(username=email or DEFAULT_EDITOR, email=email, password=None)
    if not found.is_active:
        raise BadInput(
            "This editor's account is switched off: switch it on in the site's admin.", code="login.inactive"
        )
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def link_view(request: HttpRequest, token: str) -> HttpResponse:
    """GET: a page with one button. POST: log in and go on; 410 when the link was used or is too old."""
    refuse_links(request)
    with transaction.atomic():
        valid = LoginToken.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=timezone.now())
        if request.method != "POST":
            exists = valid.exists()
            return render(request, "engine/login_link.html", {"valid": exists}, status=200 if exists else 410)
        row = valid.first()
        if row is None or not valid.filter(pk=row.pk).update(used_at=timezone.now()):
            count_link(request)
            return render(request, "engine/login_link.html", {"valid": False}, status=410)
    user = get_user_model().objects.filter(pk=row.user_id, is_active=True).first()
    if user is None:
        return render(request, "engine/login_link.html", {"valid": False}, status=410)
    # Here: it brings passkeys with it, and a worker, which makes links too, signs nobody in.
    from webstreet.logins.views import sign_in_by_link

    sign_in_by_link(request, user, settings.AUTHENTICATION_BACKENDS[0])
    return HttpResponseRedirect(row.next)
