"""The atoms: one folder, one Django app, one capability a site can have.

Invariants: no atom imports another (they meet in ``webstreet.engine.hooks``); none imports ``webstreet.control``; the folder's
name is the atom's name and the Django app label. A folder is an atom when it holds ``atom.py`` with

- ``ATOM``: its `AtomManifest`, and
- ``Params``: a subclass of ``contract.atom.Parameters`` (may be left out when there are none).

``atom.py`` must be importable without Django. What else the engine looks for in the folder, each optional:

- ``receivers.py``: imported at start; registers hooks, ``@task`` functions may live in any module imported from here.
- ``tasks.py``: imported at start, for ``@task`` and ``@every``.
- ``urls.py``: ``urlpatterns`` are mounted at the site's root, with a language prefix for every language but the first;
  ``api_urlpatterns`` below ``/api/``; ``root_urlpatterns`` at the root without a prefix (sitemap.xml, robots.txt).
- ``wagtail_hooks.py``, ``templates/``, ``static/``, ``locale/``, ``migrations/``: as everywhere in Django and Wagtail.
"""
