"""The form of the admin's door."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from wagtail.admin.forms.auth import LoginForm


class SignInForm(LoginForm):
    """Wagtail's, whose fields say what they are: to people by a label alone, and to whatever fills them in (WCAG 2.2, 3.3.8)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Wagtail's own has none, so that it is called "Password" in every language.
        self.fields["password"].label = AuthenticationForm.base_fields["password"].label
        for name, meaning in (("username", "username"), ("password", "current-password")):
            attributes = self.fields[name].widget.attrs
            attributes["autocomplete"] = meaning
            attributes.pop("placeholder", None)
