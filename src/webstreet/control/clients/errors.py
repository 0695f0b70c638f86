"""What can go wrong with clients and keys."""

from webstreet.kernel.errors import BadInput, Conflict, NotFound, TooMany, Unauthenticated


class ClientMissing(NotFound):
    """There is no client of that name, or the caller may not know of it."""

    code = "client.missing"


class ClientTaken(Conflict):
    """There is a client of that name."""

    code = "client.taken"


class ClientHasSites(Conflict):
    """The client still has open sites."""

    code = "client.has_sites"


class ClientTitleInvalid(BadInput):
    """The title of a client is too long, or more than one line."""

    code = "client.title_invalid"


class KeyMissing(NotFound):
    """There is no such key, or the caller may not know of it."""

    code = "key.missing"


class KeyUnknown(Unauthenticated):
    """The request carries a key, but none of this control plane's."""

    code = "access.key_unknown"


class KeyRoleInvalid(BadInput):
    """The role does not exist, or does not fit the client named."""

    code = "key.role_invalid"


class NextInvalid(BadInput):
    """The page to land on is not a path on this host."""

    code = "login_link.next_invalid"


class TooManyFailures(TooMany):
    """Too many requests with a wrong key came from this address."""

    code = "access.too_many_failures"
    retry_after_s = 60
