"""Logging in by password, slowed down where somebody guesses."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.forms import AuthenticationForm

from webstreet.control.clients.failures import Failures, address_of

of_name = Failures(limit=5)
of_address = Failures(limit=30)


class PasswordForm(AuthenticationForm):
    """Counts failures by address and by address and name; one web process serves, so counting in memory is exact."""

    def clean(self) -> dict[str, Any]:
        address = address_of(self.request)
        name = f"{address} {self.cleaned_data.get('username', '')[:150]}"
        if of_name.too_many(name) or of_address.too_many(address):
            raise ValidationError(_("Too many attempts. Wait a minute, then try again."), code="too_many")
        try:
            return super().clean()
        except ValidationError:
            of_name.add(name)
            of_address.add(address)
            raise
