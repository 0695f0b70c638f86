from django.urls import path

from webstreet.engine.theme import views

urlpatterns = [
    path("theme/paper.<slug:digest>.css", views.stylesheet, name="theme-stylesheet"),
    path("theme/icon.<slug:digest>.svg", views.icon, name="theme-icon"),
]
