"""Data, no code: the shipped templates and the description of the release that comes with this installation."""
