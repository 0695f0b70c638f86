"""Words that unfold's own templates show and that it brings no translation for; listed so that ours are found and kept."""

from django.utils.translation import gettext_noop, ngettext_lazy

WORDS = (
    gettext_noop("Add"),
    gettext_noop("All applications"),
    gettext_noop("Apply Filters"),
    gettext_noop("Clear all filters"),
    gettext_noop("Dark"),
    gettext_noop("Filters"),
    gettext_noop("Go back"),
    gettext_noop("Hide counts"),
    gettext_noop("Light"),
    gettext_noop("Next"),
    gettext_noop("No results found"),
    gettext_noop("Previous"),
    gettext_noop("Remove from sorting"),
    gettext_noop("Reset filters"),
    gettext_noop("Return to site"),
    gettext_noop("Show counts"),
    gettext_noop("System"),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("Toggle sorting"),
    gettext_noop("Type to search"),
    gettext_noop("Welcome back to"),
    ngettext_lazy("%(counter)s result", "%(counter)s results", "counter"),
)
