"""Registers the pages of the console."""

from unfold.admin import ModelAdmin

from webstreet.control.clients.models import Client
from webstreet.control.console.site import console
from webstreet.control.journal.models import Event
from webstreet.control.sites.models import Site

console.register(Client, ModelAdmin)
console.register(Site, ModelAdmin)
console.register(Event, ModelAdmin)
