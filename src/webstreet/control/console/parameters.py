"""The parameters of a site's atoms: what each is now and since when, and forms to change one and to undo that, with a reason."""

from __future__ import annotations

import json
from typing import Any

import yaml
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webstreet.contract.atom import AtomManifest
from webstreet.control.catalogue import shelf
from webstreet.control.catalogue.settings import EXCHANGED, in_words, takes
from webstreet.control.console.catalogue import of_parameter
from webstreet.control.console.forms import form_page
from webstreet.control.console.one_site import customized, site_of
from webstreet.control.console.pages import who
from webstreet.control.console.site import console
from webstreet.control.console.templatetags.console import change_words
from webstreet.control.sites import customizing, dictionary
from webstreet.control.sites.customizations import WHY_MAX, Customization

LONG = 200
"""A text that may be longer gets a field of several lines."""


def rows(site: Any, customized: dict[tuple[str, str], Any]) -> list[dict[str, Any]]:
    """One group an atom, one row a parameter; ``customized``: (atom, parameter) -> the customization that holds."""
    groups = []
    template = {one.name: one for one in shelf.templates()}.get(site.wanted_template)
    for name, values in site.wanted_atoms.items():
        atom = shelf.spoken_release().by_name.get(name)
        if atom is None:
            continue
        planned = template.atoms.get(name, {}) if template else {}
        lines = [
            of_parameter(atom, key, schema)
            | {
                "now": in_words(values.get(key, schema.get("default"))),
                "from": _origin(customized.get((name, key)), key in planned and key in values),
                "customization": customized.get((name, key)),
            }
            for key, schema in atom.parameters.get("properties", {}).items()
        ]
        groups.append({"atom": atom, "rows": lines})
    return groups


def _origin(customization: Any, from_template: bool) -> str:
    if customization is not None:
        return _("at the opening") if customization.at_opening else _("customized")
    return _("template") if from_template else _("default")


class WhyForm(forms.Form):
    """A reason, which every change has."""

    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=WHY_MAX,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy("For whoever comes later and asks whether it still has to be so. It is kept for good."),
    )


class ParameterForm(WhyForm):
    """One parameter, in the field that fits its schema."""

    field_order = ("value", "why")

    def __init__(self, atom: AtomManifest, name: str, now: Any, *args: Any) -> None:
        super().__init__(*args)
        schema = atom.parameters["properties"][name]
        self.fields["value"] = _field(schema, atom.parameters)
        self.fields["value"].label = _("New value")
        self.fields["value"].help_text = of_parameter(atom, name, schema)["description"]
        as_yaml = isinstance(self.fields["value"], Yaml)
        self.initial["value"] = in_words(now) if as_yaml else str(now).lower() if isinstance(now, bool) else now
        self.order_fields(self.field_order)


class Yaml(forms.CharField):
    """Lists and groups of values, written as YAML."""

    widget = forms.Textarea({"rows": 6, "spellcheck": "false"})

    def clean(self, value: Any) -> Any:
        try:
            found = yaml.safe_load(super().clean(value) or "")
            # YAML knows more than is kept: dates, sets, values that contain themselves.
            json.dumps(found, allow_nan=False)
        except (yaml.YAMLError, TypeError, ValueError, RecursionError):
            raise forms.ValidationError(_("This cannot be read as YAML.")) from None
        return found


def _field(schema: dict[str, Any], whole: dict[str, Any]) -> forms.Field:
    options = [part for part in schema.get("anyOf", []) if part.get("type") != "null"]
    optional = bool(options) and len(options) < len(schema["anyOf"])
    if len(options) == 1:
        schema = schema | options[0]
    kind = schema.get("type")
    if "enum" in schema:
        return forms.ChoiceField(choices=[(value, value) for value in schema["enum"]])
    if kind == "boolean":
        choices = [("true", _("yes")), ("false", _("no"))]
        return forms.TypedChoiceField(choices=choices, coerce=lambda text: text == "true")
    if kind == "integer":
        limits = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
        return forms.IntegerField(required=not optional, **limits)
    if kind == "string":
        longest = schema.get("maxLength")
        widget = forms.Textarea({"rows": 4}) if longest is None or longest > LONG else forms.TextInput()
        return forms.CharField(required=False, max_length=longest, widget=widget)
    return Yaml(required=False, help_text=takes(schema, whole, _))


def overview(request: HttpRequest, pk: int) -> HttpResponse:
    """What each parameter is now, where that comes from, and what was decided before."""
    site = site_of(pk)
    held = {(row.atom, row.name): row for row in dictionary.in_force(customized(site), True) if row.name}
    return console.page(
        request,
        "console/parameters.html",
        title=_("Parameters of %(site)s") % {"site": site},
        site=site,
        groups=rows(site, held),
        customizations=customized(site),
    )


def change(request: HttpRequest, pk: int, atom: str, name: str) -> HttpResponse:
    """A form for one parameter."""
    site, found = site_of(pk), shelf.spoken_release().by_name.get(atom)
    schema = found.parameters.get("properties", {}).get(name) if found and atom in site.wanted_atoms else None
    if found is None or schema is None:
        raise Http404
    back = reverse("console:sites_site_parameters", args=[pk])

    def apply(data: dict[str, Any]) -> HttpResponse:
        customizing.customize(site, {atom: {name: data["value"]}}, why=data["why"], by=who(request))
        return redirect(back)

    now = site.wanted_atoms[atom].get(name, schema.get("default"))
    return form_page(
        request,
        ParameterForm(found, name, now, request.POST or None),
        apply,
        title=_("Change %(name)s of %(site)s") % {"name": f"{atom}.{name}", "site": site},
        lead=_(EXCHANGED),
        button=_("Change parameter"),
        back=back,
    )


def undo(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Put back what was there before a customization."""
    site = site_of(pk)
    row = get_object_or_404(customized(site), number=number, kind=Customization.Kind.PARAMETER)
    back = reverse("console:sites_site_parameters", args=[pk])

    def put_back(data: dict[str, Any]) -> HttpResponse:
        customizing.undo(site, number, why=data["why"], by=who(request))
        return redirect(back)

    return form_page(
        request,
        WhyForm(request.POST or None),
        put_back,
        title=_("Undo customization %(n)s of %(site)s") % {"n": number, "site": site},
        lead=_("%(where)s: %(rule)s") % {"where": row.subject, "rule": change_words(row)},
        button=_("Undo customization"),
        back=back,
    )
