"""Public helpers for tests of Webstreet and of atoms written elsewhere. Fakes here are real servers where the thing is a server."""
