"""Who asks, what they may do, and the one query through which they see anything.

An `Actor` is made once at the edge (from a bearer key or a console session) and passed on. Code that serves somebody never calls
``Model.objects`` for what belongs to a client: it calls `Actor.sees`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models

from webstreet.control.clients.models import AccessKey, Member, Role
from webstreet.kernel.errors import Denied

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a role.

    Attributes:
        name: for the journal ("operator", "key ws_12ab34cd").
        client_id / client_name: the one client it acts for; None and "" for an operator.
    """

    name: str
    role: str
    client_id: int | None = None
    client_name: str = ""

    @classmethod
    def of_key(cls, key: AccessKey) -> Actor:
        return cls(f"key {key.prefix}", key.role, key.client_id, key.client.name if key.client else "")

    @classmethod
    def of_member(cls, member: Member) -> Actor:
        client = member.client
        return cls(member.user.get_username(), member.role, member.client_id, client.name if client else "")

    @property
    def is_operator(self) -> bool:
        return self.role == Role.OPERATOR

    def sees(self, model: type[M], queryset: models.QuerySet[Any] | None = None) -> models.QuerySet[Any]:
        """The rows of ``model`` that this actor may know of: all for an operator, its client's for everybody else.

        ``model.client_path`` says how a row leads to its client.
        """
        rows = queryset if queryset is not None else model._default_manager.all()
        if self.is_operator:
            return rows
        return rows.filter(**{model.client_path: self.client_id}) if self.client_id else rows.none()  # type: ignore[attr-defined]

    def require_operator(self) -> None:
        if not self.is_operator:
            raise Denied("Only an operator may do that. Ask your hoster.")

    def require_change(self) -> None:
        """Refuse those who may only look."""
        if self.role == Role.VIEWER:
            raise Denied("This key may only look. Use the key of a client admin or an operator.")
