"""Writing the record of sign-ins: a row for people, a line for the log. Neither holds a name or what was typed."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from webstreet.engine.accounts.models import Method, Result, SignIn
from webstreet.engine.network import client_ip

logger = logging.getLogger(__name__)


def write(
    result: Any, user: AbstractBaseUser | None, *, method: Any = "", request: HttpRequest | None = None
) -> SignIn:
    """One line; ``result`` is a `Result`, ``method`` a `Method`. The network address is kept for people who may work in the admin, and
    for nobody else.
    """
    staff = user is not None and works_here(user)
    network = client_ip(request)[:45] if request is not None and staff else ""
    by = method if method in Method.values else ""
    row = SignIn.objects.create(user_id=user.pk if user else None, result=result, method=by, network=network)
    level = logging.INFO if result not in (Result.REFUSED, Result.LIMITED) else logging.WARNING
    logger.log(level, f"login.{result}", extra={"user_id": row.user_id, "method": by, "record": row.pk})
    return row


def works_here(user: AbstractBaseUser) -> bool:
    return user.is_active and user.has_perm("wagtailadmin.access_admin")  # type: ignore[attr-defined,no-any-return]


def named(name: str) -> AbstractBaseUser | None:
    """Whose account has this name, if anybody's."""
    model = get_user_model()
    found: AbstractBaseUser | None = model.objects.filter(**{model.USERNAME_FIELD: name}).first() if name else None
    return found
