"""`Mergeable`: a message that knows what it was made of, for a transport that hands over one letter with the values of many recipients."""

from __future__ import annotations

from dataclasses import dataclass, field

from webstreet.mail.message import Recipient, Skeleton
from webstreet.mail.pump import Envelope


@dataclass(slots=True)
class Mergeable(Envelope):
    """``content`` is ``skeleton`` filled for ``own``. Of one mailing all have the same skeleton: the same object, not an equal one."""

    skeleton: Skeleton = field(repr=False)
    own: Recipient = field(repr=False)
