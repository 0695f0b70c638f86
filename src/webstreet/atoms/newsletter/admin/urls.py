"""Addresses below /admin/newsletter/."""

from __future__ import annotations

from django.urls import path, re_path

from webstreet.atoms.newsletter.admin import dashboard, issues, mail, many, report, sender, subscribers, suppressed

app_name = "newsletter_admin"
urlpatterns = [
    path("subscribers/", subscribers.index, name="subscribers"),
    path("subscribers/export/", subscribers.export, name="subscribers_export"),
    path("subscribers/add/", subscribers.add, name="subscriber_add"),
    path("subscribers/many/", many.many, name="many"),
    path("subscribers/many/<int:pk>/", many.job, name="job"),
    path("subscribers/many/<int:pk>/status/", many.job_status, name="job_status"),
    path("subscribers/<int:pk>/", subscribers.edit, name="subscriber"),
    path("subscribers/<int:pk>/unsubscribe/", subscribers.unsubscribe, name="subscriber_unsubscribe"),
    path("subscribers/<int:pk>/remove/", subscribers.remove, name="subscriber_remove"),
    path("suppressed/", suppressed.index, name="suppressed"),
    path("suppressed/export/", suppressed.export, name="suppressed_export"),
    path("suppressed/many/", many.lift, name="suppressed_many"),
    path("suppressed/bar/", suppressed.bar, name="suppressed_bar"),
    path("suppressed/<int:pk>/lift/", suppressed.lift, name="suppressed_lift"),
    path("issues/", issues.index, name="issues"),
    path("issues/<int:pk>/", issues.detail, name="issue"),
    path("issues/<int:pk>/status/", issues.status, name="issue_status"),
    path("issues/<int:pk>/recipients/", report.recipients, name="issue_recipients"),
    path("issues/<int:pk>/recipients/csv/", report.as_csv, name="issue_csv"),
    path("issues/<int:pk>/retry/", report.retry, name="issue_retry"),
    path("issues/<int:pk>/mail/", mail.mail, name="issue_mail"),
    path("issues/<int:pk>/preview/", mail.frame, name="issue_preview"),
    path("issues/<int:pk>/test/", mail.send_test, name="issue_test"),
    path("sender/", sender.page, name="sender"),
    path("sender/status/", sender.status, name="sender_status"),
    path("sender/keys/", sender.make, name="sender_make"),
    path("sender/look/", sender.look, name="sender_look"),
    re_path(r"^sender/keys/(?P<pk>\d+)/(?P<verb>declare|discard)/$", sender.act, name="sender_key"),
    path("delivering/", dashboard.delivering_now, name="delivering"),
    re_path(r"^issues/(?P<pk>\d+)/(?P<verb>pause|resume|cancel|start|hurry)/$", issues.act, name="issue_act"),
]
