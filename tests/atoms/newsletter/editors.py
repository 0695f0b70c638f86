"""Browsers of people who are signed in to the admin."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client


def client(*permissions: str) -> Client:
    """An editor with these permissions; without any, one who may do everything."""
    users = get_user_model().objects
    if permissions:
        user = users.create_user("reader", "reader@example.com", "x")
        user.user_permissions.set(Permission.objects.filter(codename__in=("access_admin", *permissions)))
    else:
        user = users.create_superuser("editor", "editor@example.com", "x")
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(user)
    return web
