"""The head of every page: the site's name or logo, and its navigation.

Owns no data. Invariant: what it renders depends on the address, the language and the parameters only.
"""
