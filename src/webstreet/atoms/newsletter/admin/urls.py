"""Addresses below /admin/newsletter/."""

from __future__ import annotations

from django.urls import path, re_path

from webstreet.atoms.newsletter.admin import issues, subscribers

app_name = "newsletter_admin"
urlpatterns = [
    path("subscribers/", subscribers.index, name="subscribers"),
    path("subscribers/export/", subscribers.export, name="subscribers_export"),
    path("subscribers/add/", subscribers.add, name="subscriber_add"),
    path("subscribers/<int:pk>/", subscribers.edit, name="subscriber"),
    path("subscribers/<int:pk>/unsubscribe/", subscribers.unsubscribe, name="subscriber_unsubscribe"),
    path("subscribers/<int:pk>/remove/", subscribers.remove, name="subscriber_remove"),
    path("issues/", issues.index, name="issues"),
    path("issues/<int:pk>/", issues.detail, name="issue"),
    path("issues/<int:pk>/status/", issues.status, name="issue_status"),
    path("issues/<int:pk>/preview/", issues.preview, name="issue_preview"),
    re_path(r"^issues/(?P<pk>\d+)/(?P<verb>pause|resume|cancel|start|again)/$", issues.act, name="issue_act"),
]
