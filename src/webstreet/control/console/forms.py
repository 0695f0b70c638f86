"""Pages that are one form: what is wrong is said beside the field it is about, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from webstreet.control.console.errors import said, said_problem
from webstreet.control.console.site import console
from webstreet.kernel.errors import DocumentInvalid, WebstreetError

FIELDS = {"domain": "domains"}
"""Noun of an error's code -> the field it is about, where that is not called like it."""


def form_page(
    request: HttpRequest, form: forms.Form, act: Callable[[dict[str, Any]], HttpResponse], **shown: Any
) -> HttpResponse:
    """Show ``form`` until ``act`` took what is in it.

    Args:
        act: does it, and answers; what it refuses with an error of ours is shown in the form.
        shown: title, button, back, perhaps lead.
    """
    if form.is_valid():
        try:
            return act(form.cleaned_data)
        except DocumentInvalid as error:
            for problem in error.problems:
                form.add_error(None, said_problem(problem))
        except WebstreetError as error:
            form.add_error(_field_of(error, form), said(error))
    return console.page(request, "console/form.html", form=form, **shown)


def _field_of(error: WebstreetError, form: forms.Form) -> str | None:
    noun, _, fact = error.error_code.partition(".")
    name = FIELDS.get(noun, noun)
    if fact == "why_missing":
        name = "why"
    return name if name in form.fields else None
