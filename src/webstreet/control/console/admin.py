"""Registers the pages of the console; Django looks for this module."""

from webstreet.control.clients.models import AccessKey, Client
from webstreet.control.console.clients import AccessKeyPages, ClientPages
from webstreet.control.console.customizations import CustomizationPages
from webstreet.control.console.journal import EventPages
from webstreet.control.console.site import console
from webstreet.control.console.sites import SitePages
from webstreet.control.journal.models import Event
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.models import Site

console.register(Client, ClientPages)
console.register(AccessKey, AccessKeyPages)
console.register(Site, SitePages)
console.register(Customization, CustomizationPages)
console.register(Event, EventPages)
