"""The site's navigation: pages that editors show in menus, what atoms offer, and links from parameters.

Owns no data. Invariant: it names only pages that everybody may read.
"""
