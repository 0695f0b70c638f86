"""Addresses of the newsletter's own pages and of its API. The admin's are registered in ``wagtail_hooks``."""

from __future__ import annotations

from django.urls import include, path

from webstreet.atoms.newsletter.views import api, events, my_data, pages, preferences

_pages = [
    path("subscribe/", pages.subscribe, name="subscribe"),
    path("confirm/<str:token>/", pages.confirm, name="confirm"),
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
    path("undo/<str:token>/", pages.undo, name="undo"),
    path("preferences/<str:token>/", preferences.preferences, name="preferences"),
    path("address/<str:token>/", preferences.address, name="address"),
    path("my-data/", my_data.ask, name="my_data_ask"),
    path("my-data/<str:token>/", my_data.my_data, name="my_data"),
]
urlpatterns = [path("newsletter/", include((_pages, "newsletter")))]
api_urlpatterns = [
    path("newsletter/subscriptions", api.subscriptions, name="newsletter_api_subscriptions"),
    path("newsletter/form-token", api.form_token, name="newsletter_api_form_token"),
    path("newsletter/events", events.events, name="newsletter_api_events"),
    path("newsletter/events/<slug:provider>", events.of_provider, name="newsletter_api_provider_events"),
]
