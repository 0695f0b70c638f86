"""The form that opens a site."""

from __future__ import annotations

import re

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from webstreet.control.catalogue import shelf
from webstreet.control.clients.models import Client
from webstreet.control.sites.actions import Opening
from webstreet.control.sites.customizations import WHY_MAX
from webstreet.control.sites.models import Residency
from webstreet.kernel.secret import Secret


class NewSite(forms.Form):
    """For every sensitive atom two more fields: where its data lives, and the client's database."""

    client = forms.ModelChoiceField(Client.objects.all(), label=_("Client"), to_field_name="name", empty_label=None)
    site = forms.CharField(
        label=_("Name"), max_length=40, help_text=_("Lower-case letters, digits and hyphens. It never changes.")
    )
    title = forms.CharField(
        label=_("Title"), max_length=200, required=False, help_text=_("What readers see. Made from the name if empty.")
    )
    template = forms.ChoiceField(label=_("Template"))
    domains = forms.CharField(
        label=_("Domains"),
        required=False,
        widget=forms.Textarea({"rows": 2, "spellcheck": "false"}),
        help_text=_(
            "One a line; the first is the canonical one. Without a domain the site answers under a local address."
        ),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages"), choices=settings.LANGUAGES, widget=forms.CheckboxSelectMultiple, initial=["en"]
    )

    email_url = forms.CharField(
        label=_("Mail server"),
        required=False,
        max_length=2000,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )

    why = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=WHY_MAX,
        help_text=_("The reason for what differs from the template, kept with it."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].choices = [(one.name, shelf.spoken(one).title) for one in shelf.templates()]
        empty = (
            _("Left empty, its mails go to this installation's mail server.")
            if settings.SITE_EMAIL_URL
            else _("Left empty, its mails wait until it has one.")
        )
        secret = _("Never shown again.")
        self.fields["email_url"].help_text = f"smtp+tls://user:password@host:587. {empty} {secret}"
        self.sensitive = [atom for atom in shelf.spoken_release().atoms if atom.sensitive]
        for atom in self.sensitive:
            self.fields[f"residency_{atom.name}"] = forms.ChoiceField(
                label=_("Data of “%(atom)s”") % {"atom": atom.title},
                choices=Residency.Where.choices,
            )
            self.fields[f"database_{atom.name}"] = forms.CharField(
                label=_("Database of “%(atom)s”") % {"atom": atom.title},
                required=False,
                widget=forms.PasswordInput({"autocomplete": "off"}),
                help_text=_(
                    "postgresql://user:password@host:5432/name. Needed when the data lives at the client; never shown again."
                ),
            )

    def opening(self) -> Opening:
        data = self.cleaned_data
        residency = {atom.name: data[f"residency_{atom.name}"] for atom in self.sensitive}
        urls = {
            atom.name: Secret(data[f"database_{atom.name}"]) for atom in self.sensitive if data[f"database_{atom.name}"]
        }
        return Opening(
            client=data["client"].name,
            site=data["site"],
            title=data["title"],
            template=data["template"],
            domains=tuple(re.split(r"[\s,]+", data["domains"].strip())) if data["domains"].strip() else (),
            languages=tuple(data["languages"]),
            residency={atom: where for atom, where in residency.items() if where == "client"},
            database_urls=urls,
            email_url=Secret(data["email_url"]) if data["email_url"] else None,
            why=data["why"],
        )
