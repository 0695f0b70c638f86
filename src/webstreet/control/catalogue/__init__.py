"""Owns what can be chosen from: offers, templates, atoms of the shipped release. All of it is data that came with the release.

Invariant: control knows atoms only through ``contract.release``; nothing here imports an atom.
"""
