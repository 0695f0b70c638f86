"""The newsletter's tables. Plain models: no key out of the atom, no revision, no search index, no text of a person in ``__str__``."""

from webstreet.atoms.newsletter.models.audience import AudienceDay
from webstreet.atoms.newsletter.models.bulk import BulkJob
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.delivery import Chunk, Delivery
from webstreet.atoms.newsletter.models.event import Event, EventSource
from webstreet.atoms.newsletter.models.hosted import HostedDomain
from webstreet.atoms.newsletter.models.identity import DnsRecord, SigningKey
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.limits import Bucket, Looked, Pace, Queue, SlowDown
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.notice import Notice, TestMail
from webstreet.atoms.newsletter.models.sign_up import DataRequest, SignUp, Throttle
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.atoms.newsletter.models.token import Token

__all__ = [
    "AudienceDay",
    "Bucket",
    "BulkJob",
    "Change",
    "Chunk",
    "ConsentRecord",
    "DataRequest",
    "Delivery",
    "DnsRecord",
    "Event",
    "EventSource",
    "HostedDomain",
    "Issue",
    "Looked",
    "MailingList",
    "Membership",
    "Notice",
    "Pace",
    "Queue",
    "SignUp",
    "SigningKey",
    "SlowDown",
    "Subscriber",
    "Suppression",
    "TestMail",
    "Throttle",
    "Token",
]
