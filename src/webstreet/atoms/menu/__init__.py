"""The site's navigation: links that editors put there, pages that they show in menus, what atoms offer, and links from parameters.

Owns the editors' links. Invariant: it names only pages that everybody may read.
"""
