"""The foot of every page: imprint, feeds, copyright.

Owns no data. Invariant: what it renders depends on the address, the language and the parameters only.
"""
