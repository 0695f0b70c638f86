"""What the newsletter says of itself, and its parameters. Importable without Django."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters
from webstreet.kernel.errors import BadInput
from webstreet.kernel.secret import Secret
from webstreet.mail.address import normal_address
from webstreet.mail.buckets import Limit
from webstreet.mail.families import TITLES
from webstreet.mail.message import NAME_MAX, header_text
from webstreet.mail.verp import ReturnPaths


def _address(text: str) -> str:
    try:
        return normal_address(text) if text else ""
    except BadInput as error:
        raise ValueError(error.message) from None


def _one_line(text: str) -> str:
    try:
        return header_text(text)
    except BadInput as error:
        raise ValueError(error.message) from None


def _mailbox(text: str) -> str:
    """An address whose mailbox can be added to, as return paths are."""
    try:
        if found := _address(text):
            ReturnPaths(found, Secret("nothing is made with it"))
    except BadInput as error:
        raise ValueError(error.message) from None
    return found


def _rate(text: str) -> str:
    if text:
        Limit.parse(text)
    return text


def _time(text: str) -> str:
    if text and dt.time.fromisoformat(text).tzinfo is not None:
        raise ValueError("Write a time of day as 22:00.")
    return text


def _day(text: str) -> str:
    if text:
        dt.date.fromisoformat(text)
    return text


def _zone(text: str) -> str:
    try:
        return zoneinfo.ZoneInfo(text).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("Write a time zone as Europe/Paris.") from None


def _provider(text: str) -> str:
    if text not in TITLES and text != "others" and "." not in text:
        raise ValueError(f"Write a domain, others, or one of: {', '.join(sorted(TITLES))}.")
    return text


OptionalAddress = Annotated[str, AfterValidator(_address)]
OptionalMailbox = Annotated[str, AfterValidator(_mailbox)]
OneLine = Annotated[str, AfterValidator(_one_line)]


class PurposeList(BaseModel):
    """A list and what it is for: consent is given to a purpose."""

    model_config = {"extra": "forbid", "frozen": True}

    key: str = Field(
        description="Stable name in addresses and in List-Id.", pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40
    )
    title: OneLine = Field(description="What readers see.", max_length=100)


class Limits(BaseModel):
    """How much sign-up is accepted. They protect other people's mailboxes, so they cannot be switched off."""

    model_config = {"extra": "forbid", "frozen": True}

    per_address_per_day: int = Field(
        10, description="Sign-ups for one address that are looked at in a day.", ge=1, le=1000
    )
    per_network_per_hour: int = Field(
        30, description="Sign-ups from one network (/24, /56) in an hour.", ge=1, le=100_000
    )
    per_site_per_hour: int = Field(
        600, description="Sign-ups of the whole site in an hour; more is an attack.", ge=1, le=1_000_000
    )


class ProviderRate(BaseModel):
    """How much one provider gets."""

    model_config = {"extra": "forbid", "frozen": True}

    provider: Annotated[str, AfterValidator(_provider)] = Field(
        description="gmail, microsoft, yahoo, orange ..., the domain of any other, or others: each that is not named.",
        max_length=254,
    )
    rate: Annotated[str, AfterValidator(_rate)] = Field(
        description="As 5/s, 90/min, 500/h or 10000/day.", min_length=3, max_length=20
    )


class Sending(BaseModel):
    """How fast issues go out, and when they stop by themselves."""

    model_config = {"extra": "forbid", "frozen": True}

    per_site: Annotated[str, AfterValidator(_rate)] = Field(
        "", description="Mails of the whole site, as 14/s, 90/min, 500/h or 10000/day; empty: no limit.", max_length=20
    )
    providers: Literal["off", "recommended"] = Field(
        "off", description="Limits for each provider (Gmail, Outlook, Yahoo, Orange ...): none, or those we recommend."
    )
    provider_rates: list[ProviderRate] = Field(
        default_factory=list, description="Limits of single providers, before those recommended.", max_length=100
    )
    warm_up_since: Annotated[str, AfterValidator(_day)] = Field(
        "",
        description="First day of a sender that providers do not know yet, as 2026-09-01: it sends a little more each day; empty: off.",
        max_length=10,
    )
    quiet_from: Annotated[str, AfterValidator(_time)] = Field(
        "", description="Issues send nothing from this time of day, as 22:00; empty: no quiet hours.", max_length=5
    )
    quiet_until: Annotated[str, AfterValidator(_time)] = Field(
        "", description="They go on by themselves at this time of day, as 07:00.", max_length=5
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Where quiet hours and days of the warm-up are counted, as Europe/Paris.", max_length=64
    )
    pause_at_bounces_percent: float = Field(
        5.0, description="An issue pauses when so many of its recipients do not exist; 100: never.", gt=0, le=100
    )
    pause_at_complaints_percent: float = Field(
        0.3, description="An issue pauses when so many call it junk; 100: never.", gt=0, le=100
    )
    pause_after: int = Field(
        200, description="Nothing is concluded from fewer answers of mail servers than this.", ge=20, le=1_000_000
    )

    @model_validator(mode="after")
    def _both_ends(self) -> Sending:
        if bool(self.quiet_from) != bool(self.quiet_until) or (self.quiet_from and self.quiet_from == self.quiet_until):
            raise ValueError("Quiet hours need quiet_from and quiet_until, and two different times.")
        return self


class Params(Parameters):
    """Parameters of the newsletter."""

    on_publish: Literal["send", "draft", "off"] = Field(
        "send",
        description="When an article becomes public for the first time: send it, prepare a draft for the editor, or do nothing.",
    )
    schedule_grace_hours: int = Field(
        2,
        description=(
            "A scheduled article that appears later than by so many hours, because the site stood still, is mailed to nobody by itself: "
            "its issue waits for the editor."
        ),
        ge=1,
        le=168,
    )
    sender_name: OneLine = Field("", description="Name in From; empty: the site's title.", max_length=NAME_MAX)
    sender_address: OptionalAddress = Field(
        "", description="Address in From; empty: newsletter@ the site's first domain."
    )
    reply_to: OptionalAddress = Field("", description="Where answers go; empty: to the sender.")
    bounce_address: OptionalMailbox = Field(
        "",
        description=(
            "Mailbox of what comes back; each mail gets an address of its own in it (name+...@), so its server must take these as well. "
            "Empty: it comes back to the sender."
        ),
    )
    dkim: Literal["both", "rsa", "off"] = Field(
        "both",
        description=(
            "Signatures of mails: RSA and Ed25519, RSA alone, or none because the mail server signs. Keys are made in the admin, under "
            "Newsletter, Sender."
        ),
    )
    postal_address: str = Field(
        "", description="Shown at the end of every issue; many countries require it.", max_length=300
    )
    consent_text: str = Field(
        "", description="What a reader agrees to when signing up; empty: a text of ours.", max_length=1000
    )
    consent_version: str = Field(
        "1", description="Change it whenever consent_text changes; kept with every consent.", max_length=40
    )
    confirmation_hours: int = Field(48, description="How long the link of a confirmation mail works.", ge=24, le=72)
    uncertain: Literal["hold", "resend"] = Field(
        "hold",
        description="A mail whose fate is unknown after a crash: hold it for the editor, or send it once more.",
    )
    ledger_days: int = Field(
        365,
        description=(
            "For how many days after its start an issue's record of who got it is kept; then its totals remain, and not who."
        ),
        ge=30,
        le=3650,
    )
    connections: int = Field(
        4, description="Connections to the mail server at the same time, for each worker.", ge=1, le=64
    )
    limits: Limits = Field(
        Limits(),  # type: ignore[call-arg]
        description="How much sign-up is accepted.",
    )
    sending: Sending = Field(
        Sending(),  # type: ignore[call-arg]
        description="How fast issues go out, at which hours, and when they stop by themselves.",
    )
    lists: list[PurposeList] = Field(
        default_factory=list,
        description="Lists by purpose; issues go to the first. Empty: one list of new articles.",
        max_length=20,
    )


FRENCH = AtomWords(
    title="Lettre d’information",
    purpose=(
        "Les lecteurs s’inscrivent, confirment et reçoivent chaque nouvel article par courriel ; le sort de "
        "chaque destinataire de chaque envoi est connu."
    ),
    typical_use="Une publication à laquelle ses lecteurs sont abonnés, leurs adresses étant là où le client les veut.",
    parameters={
        "on_publish": (
            "Quand un article devient public pour la première fois : l’envoyer, préparer un brouillon pour le "
            "rédacteur, ou ne rien faire."
        ),
        "schedule_grace_hours": (
            "Un article programmé qui paraît avec plus d’heures de retard que cela, parce que le site était arrêté, n’est envoyé "
            "à personne de lui-même : son envoi attend le rédacteur."
        ),
        "sender_name": "Nom de l’expéditeur ; vide : le titre du site.",
        "sender_address": "Adresse de l’expéditeur ; vide : newsletter@ le premier domaine du site.",
        "reply_to": "Où vont les réponses ; vide : à l’expéditeur.",
        "bounce_address": (
            "Boîte de ce qui revient ; chaque message y a sa propre adresse (nom+...@), que son serveur doit donc accepter "
            "aussi. Vide : cela revient à l’expéditeur."
        ),
        "dkim": (
            "Signatures des messages : RSA et Ed25519, RSA seul, ou aucune parce que le serveur de courriel signe. Les clés se "
            "créent dans l’administration, sous Infolettre, Expéditeur."
        ),
        "postal_address": "Indiquée à la fin de chaque envoi ; de nombreux pays l’exigent.",
        "consent_text": "Ce que le lecteur accepte en s’inscrivant ; vide : un texte fourni.",
        "consent_version": "À changer chaque fois que consent_text change ; conservée avec chaque consentement.",
        "confirmation_hours": "Pendant combien d’heures fonctionne le lien du message de confirmation.",
        "uncertain": (
            "Un message dont le sort est inconnu après une panne : le retenir pour le rédacteur, ou l’envoyer "
            "une fois de plus."
        ),
        "ledger_days": (
            "Pendant combien de jours après son début un envoi garde la trace de chaque destinataire ; ensuite restent ses "
            "totaux, sans les personnes."
        ),
        "connections": "Connexions simultanées au serveur de courriel, pour chaque processus d’envoi.",
        "limits": "Combien d’inscriptions sont acceptées.",
        "sending": "À quelle vitesse et à quelles heures partent les envois, et quand ils s’arrêtent d’eux-mêmes.",
        "lists": "Listes par objet ; les envois vont à la première. Vide : une seule liste des nouveaux articles.",
    },
)


ATOM = AtomManifest(
    name="newsletter",
    app="webstreet.atoms.newsletter",
    title="Newsletter",
    kind="back-end",
    purpose="Readers sign up, confirm, and receive every new article by mail; each recipient of each issue is accounted for.",
    typical_use="A publication whose readers want to be written to, with their addresses where the client wants them.",
    parameters=Params.model_json_schema(),
    sensitive=True,
    stores=["database"],
    hooks_offered=["render_announcement"],
    hooks_used=[
        "article_first_public",
        "slot",
        "import_subscribers",
        "dashboard_panels",
        "export_rows",
        "metrics",
        "ready_parts",
    ],
    words={"fr": FRENCH},
)
