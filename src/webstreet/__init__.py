"""Webstreet hosts websites for other people: assembled from atoms, data kept where each client wants it."""

__version__ = "0.1.0"
