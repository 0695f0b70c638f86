from django.urls import path

from webstreet.atoms.articles import feeds, views

root_urlpatterns = [
    path("sitemap.xml", views.sitemap, name="articles-sitemap"),
    path("robots.txt", views.robots, name="articles-robots"),
]

urlpatterns = [
    path("search/", views.search, name="articles-search"),
    path("tags/<str:slug>/", views.tag, name="articles-tag"),
    path("authors/<slug:slug>/", views.author, name="articles-author"),
    path("feed/", feeds.RssFeed(), name="articles-rss"),
    path("feed/atom/", feeds.AtomFeed(), name="articles-atom"),
]
