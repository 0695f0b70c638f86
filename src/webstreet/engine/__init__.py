"""What runs inside every site: Django and Wagtail, configured by site.yaml and the environment, and the atoms the site lists.

Owns settings, databases and their routing, background tasks, hooks, health, logs, the theme and the commands of
``python -m webstreet.engine``. Invariants: knows no atom by name and never imports ``webstreet.control``; a stopped control
plane changes nothing here; what identifies a person is written only to the database of the atom it belongs to.
"""
