"""What can be wrong with mail. None of these carries an address, a password or a server's free text."""

from __future__ import annotations

from webstreet.kernel.errors import BadInput, Unavailable, WebstreetError


class AddressInvalid(BadInput):
    """A text is not an e-mail address that mail can be sent to."""

    code = "address.invalid"


class HeaderInvalid(BadInput):
    """A value would break out of its header: it has a line end or NUL, or cannot be written as a header."""

    code = "mail.header_invalid"


class EmailUrlInvalid(BadInput):
    """EMAIL_URL cannot be used."""

    code = "email_url.invalid"


class MailServerAway(Unavailable):
    """The mail server cannot be reached or closed the connection; nothing of the message counts as sent. Waiting may help."""

    code = "mail_server.away"


class SenderRefused(WebstreetError):
    """The mail server refuses this sender (login, policy): going on would only make it worse, so the sender pauses."""

    code = "sender.refused"
    status = 502


class DkimKeyInvalid(BadInput):
    """A text is no key that DKIM can sign with, or a name is none under which it could be found."""

    code = "dkim.key_invalid"


class NameServerInvalid(BadInput):
    """A text is not the address of a name server."""

    code = "dns.server_invalid"


class MailboxUrlInvalid(BadInput):
    """The URL of a mailbox cannot be used."""

    code = "mailbox_url.invalid"


class MailboxAway(Unavailable):
    """The server of a mailbox cannot be reached or does not answer. Waiting may help."""

    code = "mailbox.away"


class MailboxRefused(WebstreetError):
    """The server of a mailbox refuses the login (``mailbox.refused``) or the folder (``mailbox.folder``): a person has to act."""

    code = "mailbox.refused"
    status = 502
