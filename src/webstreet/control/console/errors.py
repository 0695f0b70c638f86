"""Errors in the language of whoever reads them.

An error of ours carries a sentence in English, made where Django's translations are not known (kernel, contract) or where a program is
answered too. Here its code leads to a sentence of the console, without the details that the form beside it shows; in English the
error's own sentence, with its details, stays. Sentences that were stored, of the reconcile loop and of documents, are known by their form.
"""

from __future__ import annotations

import re

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from webstreet.kernel.errors import DocumentInvalid, Problem, WebstreetError

BY_CODE = {
    "access.denied": _("You may not do that."),
    "atom.unknown": _("There is no such atom in this release."),
    "client.has_sites": _("This client still has sites. Close them first."),
    "client.missing": _("There is no such client."),
    "client.name_invalid": _(
        "Use 1 to 40 lower-case letters, digits and single hyphens, with a letter or digit at both ends."
    ),
    "client.taken": _("There is a client of that name already. Choose another name."),
    "client.title_invalid": _("The title is one line of at most 200 characters."),
    "customization.fixed": _(
        "This says where data live or which server is used, so data would have to move. Only parameters can be "
        "undone here."
    ),
    "customization.missing": _("There is no such customization."),
    "customization.past": _(
        "It is undone already, or a later one about the same parameter took its place: undo that one first."
    ),
    "customization.secret": _(
        "It holds a URL with a password, which everybody who may look at the site could read. Leave it out."
    ),
    "customization.why_missing": _(
        "Say in 1 to 500 characters why it is done for this client, so that whoever comes later can judge whether "
        "it still has to be."
    ),
    "domain.invalid": _("This is not a domain: write the host name only, as in blog.example.com."),
    "domain.taken": _("This domain belongs to another site. Choose another, or close the site that has it."),
    "export.busy": _("Another export is being made. Try again when it is done."),
    "export.failed": _("The site did not write its export. Its log says why."),
    "key.role_invalid": _("An operator's key names no client; every other key names the one it is for."),
    "offer.missing": _("There is no such offer."),
    "orchestrator.command_too_long": _("It took too long and was ended."),
    "orchestrator.failed": _("What runs the sites could not do it. The log of the control plane says why."),
    "orchestrator.site_unknown": _("Nothing runs for this site yet."),
    "site.closing": _("The site is being closed; nothing about it can be changed any more."),
    "site.confirmation_wrong": _("That is not its name."),
    "site.login_link_failed": _("The site gave no login link. Its log says why."),
    "site.missing": _("There is no such site."),
    "site.name_invalid": _(
        "Use 1 to 40 lower-case letters, digits and single hyphens, with a letter or digit at both ends."
    ),
    "site.not_running": _("The site does not run now, so nobody can log in to it. Its state says why."),
    "site.taken": _("The client has a site of that name already. Choose another name."),
    "template.missing": _("There is no such template."),
    "vault.closed": _("A stored secret cannot be read: its key is missing. Restore the key file from the backup."),
}

BY_FORM = {
    r"is not an atom of release (?P<release>\S+)\.": _("is not an atom of release %(release)s."),
    r"is not an atom of this site\.": _("is not an atom of this site."),
    r"is not a parameter of this atom\.": _("is not a parameter of this atom."),
    r"is not a key we know\.": _("is not a key we know."),
    r"is not a sensitive atom\.": _("is not a sensitive atom."),
    r"is not a store of this site\.": _("is not a store of this site."),
    r"is required\.": _("is required."),
    r"is the client's, so its database must be named\.": _("is the client's, so its database must be named."),
    r"changes nothing\.": _("changes nothing."),
    r'needs the atom "(?P<atom>[^"]+)"\.': _("needs the atom “%(atom)s”."),
    r"must be one of: (?P<allowed>.*)\.": _("must be one of: %(allowed)s."),
    r"must be of type (?P<wanted>\w+), not (?P<given>\w+)\.": _("must be of type %(wanted)s, not %(given)s."),
    r"must be a URL like (?P<example>\S+)\.": _("must be a URL like %(example)s."),
    r"must begin with one of: (?P<allowed>.*)\.": _("must begin with one of: %(allowed)s."),
    r"must be shorter than (?P<size>\d+) kB\.": _("must be shorter than %(size)s kB."),
    r"must not hold the character NUL\.": _("must not hold the character NUL."),
    r"must name a database server of the client: .*": _(
        "must name a database server of the client: an SQLite file would lie on the hoster's disk."
    ),
    r"(?P<value>.+) is greater than the maximum of (?P<limit>\S+)\.": _(
        "%(value)s is greater than the maximum of %(limit)s."
    ),
    r"(?P<value>.+) is less than the minimum of (?P<limit>\S+)\.": _(
        "%(value)s is less than the minimum of %(limit)s."
    ),
    r".+ is too long\.": _("is too long."),
    r".+ is too short\.": _("is too short."),
    r".+ does not match .+": _("is not written as it must be."),
    r"(?P<field>domains|languages) names the same value twice\.": _("%(field)s names the same value twice."),
    r'"(?P<given>[^"]*)" is not a domain: write the host name only, as in blog\.example\.com\.': _(
        "“%(given)s” is not a domain: write the host name only, as in blog.example.com."
    ),
    r'"(?P<given>[^"]*)" is not a domain that DNS allows: check each part between the dots\.': _(
        "“%(given)s” is not a domain that DNS allows: check each part between the dots."
    ),
    r'"(?P<given>[^"]*)" is an address: a site needs a name, as in blog\.example\.com\.': _(
        "“%(given)s” is an address: a site needs a name, as in blog.example.com."
    ),
    r"input should be (?P<allowed>.+)\.": _("must be %(allowed)s."),
    r'Did you mean "(?P<near>[^"]+)"\?': _("Did you mean “%(near)s”?"),
    r"(?:Known|It has|Sensitive|There are): (?P<known>.*)\.": _("There are: %(known)s."),
    r"Give the URL of a PostgreSQL, MariaDB or MySQL that the client runs\.": _(
        "Give the URL of a database that the client runs."
    ),
    r"Give database_urls\.(?P<atom>\S+), the address of the client's database\.": _(
        "Give the address of the client's database for “%(atom)s”."
    ),
    r"Generation (?P<n>\d+) is being handed over\.": _("Generation %(n)s is being handed over."),
    r"Generation (?P<n>\d+) is starting\.": _("Generation %(n)s is starting."),
    r"Generation (?P<old>\d+) still serves, because generation (?P<n>\d+) fails: (?P<why>.*)": _(
        "Generation %(old)s still serves, because generation %(n)s fails: %(why)s"
    ),
    r"Generation (?P<old>\d+) is already there, newer than the wanted (?P<n>\d+): .*": _(
        "Generation %(old)s is already there, newer than the wanted %(n)s: this control plane's database is older "
        "than what runs. Change the site once more, or restore the newer database."
    ),
    r"The final backup is kept; the site is being removed\.": _("The final backup is kept; the site is being removed."),
    r"It is being stopped before its final backup\.": _("It is being stopped before its final backup."),
    r"It is stopping before its final backup\.": _("It is stopping before its final backup."),
    r"The final backup is being made\.": _("The final backup is being made."),
    r"It is to be closed, but its final backup has no label, so it is kept\.": _(
        "It is to be closed, but its final backup has no label, so it is kept."
    ),
    r"It is being suspended\.": _("It is being suspended."),
    r"It fails, and the orchestrator does not say why\.": _("It fails, and nothing says why."),
}
_FORMS = [(re.compile(form, re.S), sentence) for form, sentence in BY_FORM.items()]


def said(error: WebstreetError) -> str:
    """The whole error for a person, its code at the end."""
    if (get_language() or "en").startswith("en"):
        return str(error)
    if isinstance(error, DocumentInvalid):
        return " ".join(said_problem(problem) for problem in error.problems)
    sentence = BY_CODE.get(error.error_code)
    return f"{gettext(sentence) if sentence else said_text(error.message)} [{error.error_code}]"


def said_problem(problem: Problem) -> str:
    """One thing wrong in a document: where, what must hold, what was probably meant."""
    suggestion = f" {said_text(problem.suggestion)}" if problem.suggestion else ""
    return gettext("%(where)s: %(rule)s") % {"where": problem.path, "rule": said_text(problem.rule)} + suggestion


def said_text(text: str) -> str:
    """A sentence that was made in English; as it is where its form is unknown."""
    if (get_language() or "en").startswith("en"):
        return text
    for form, sentence in _FORMS:
        if found := form.fullmatch(text):
            return gettext(sentence) % {name: said_text(value) for name, value in found.groupdict().items()}
    return text
