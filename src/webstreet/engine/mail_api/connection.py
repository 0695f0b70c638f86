"""A provider's API where a program expects an SMTP connection of the standard library: for Django's own mails, which are few."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException

from webstreet.engine.mail_api import ProviderAway
from webstreet.engine.mail_api.backends import backend_of
from webstreet.engine.mail_api.transport import asked
from webstreet.mail.pump import Envelope, Outcome
from webstreet.mail.url import EmailUrl


class ApiConnection:
    """What `django.core.mail.backends.smtp.EmailBackend` does with a connection. ``answer_s``: a page waits for it."""

    def __init__(self, url: EmailUrl, *, answer_s: float) -> None:
        self._url = url
        self._backend = backend_of(url, answer_s=answer_s)

    def sendmail(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand it over for one after the other.

        Raises:
            ProviderAway: the others would fare no better.
            SMTPException: somebody did not certainly get it.
        """
        for number, recipient in enumerate(recipients):
            answer = asked(self._backend, self._url, [Envelope(number, sender, recipient, content)])
            if answer.trouble is not None:
                is_unsent = all(result.outcome is Outcome.UNSENT for result in answer.results)
                raise ProviderAway(answer.trouble.code, is_unsent=is_unsent and not number)
            found = [result.outcome for result in (*answer.results, *answer.doubts)]
            if found != [Outcome.SENT]:
                raise SMTPException("The provider did not take it.")

    def quit(self) -> None:
        self._backend.close()

    close = quit
