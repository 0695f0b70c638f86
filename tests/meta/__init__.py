"""Tests about the repository itself: imports, documents, sizes, requirements."""
