"""Forms of the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.engine import site
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import ADDRESS_MAX, normal_address
from webstreet.mail.message import header_text

_NAMES = {"en": "English", "fr": "Français"}


class SubscriberForm(forms.Form):
    """What an editor may say of a subscriber. ``subscriber`` is the one that is edited, None for a new one."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=ADDRESS_MAX,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, help_text=_("For you only; it is in no mail.")
    )
    language = forms.ChoiceField(label=_("Language"))
    agreed = forms.BooleanField(
        label=_("This person has agreed already"),
        required=False,
        help_text=_("On paper, for example. Without it, a confirmation mail is sent first."),
    )

    def __init__(self, *args: Any, subscriber: Subscriber | None = None, **kwargs: Any) -> None:
        self._subscriber = subscriber
        if subscriber is not None:
            kwargs["initial"] = {"email": subscriber.email, "name": subscriber.name, "language": subscriber.language}
        super().__init__(*args, **kwargs)
        languages = site.current().languages
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)  # noqa: S101 for the type checker
        language.choices = [(code, _NAMES[code]) for code in languages]
        if subscriber is not None:
            del self.fields["agreed"]

    def clean_email(self) -> str:
        try:
            email = normal_address(self.cleaned_data["email"])
        except BadInput:
            raise ValidationError(_("This is not an address that mail can be sent to.")) from None
        others = Subscriber.objects.filter(email=email)
        if self._subscriber is not None:
            others = others.exclude(pk=self._subscriber.pk)
        if others.exists():
            raise ValidationError(_("This address is in the list already."))
        if Suppression.holds(email, hard=True):
            raise ValidationError(_("Nothing may be sent to this address any more."))
        return email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("agreed") and Suppression.holds(data.get("email", "")):
            self.add_error(
                "agreed",
                _(
                    "The owner of this address had it erased. Only they can bring it back: leave this open, and they are asked."
                ),
            )
        return data

    def clean_name(self) -> str:
        try:
            return header_text(self.cleaned_data["name"].strip())
        except BadInput:
            raise ValidationError(_("A name is one line.")) from None
