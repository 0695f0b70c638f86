"""The newsletter's screens in the site's admin: own plain views, because Wagtail's would log and index what must stay in this atom.

Each view asks for a permission of Django's (``newsletter.view_subscriber`` ...), writes to our own `Change` log, and shows messages
without personal data.
"""
