"""Errors in the language of whoever reads them.

An error of ours carries a sentence in English, made where Django's translations are not known (kernel, contract) or where a program is
answered too. Here its code leads to a sentence of the console, without the details that the form beside it shows; in English the
error's own sentence, with its details, stays. What is wrong in a document, and what the reconcile loop says, comes as a `Sentence`, whose
code leads to ours, with its values.
"""

from __future__ import annotations

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from webstreet.kernel.errors import DocumentInvalid, Problem, Sentence, WebstreetError

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

BY_SENTENCE = {
    "generation.fails": _("Generation %(n)s: %(why)s. Tried %(times)s time(s), tried again every %(wait)s s."),
    "generation.preparing": _("Generation %(n)s is being prepared."),
    "site.incomplete": _("It is not complete: being made, or being removed."),
    "site.lacks": _("Its processes run, but something is missing. %(parts)s."),
    "site.silent": _("Its processes run, but it does not answer."),
    "site.slow": _("It runs, but takes long to say whether it has all that it needs."),
    "site.stopping": _("Its processes are stopping."),
    "site.unsupervised": _("Nothing supervises it: its supervisor has ended."),
    "web.starting": _("Its web process is starting."),
    "wish.unread": _("Its supervisor has not read the new wish yet."),
    "worker.failing": _("The site answers, but its background work stands still: %(why)s"),
    "worker.starting": _("Its worker is starting."),
    "atom.add": _("Add %(atom)s: {} under atoms."),
    "atom.elsewhere": _("is not an atom of this site."),
    "atom.has": _("There are: %(known)s."),
    "atom.known": _("There are: %(known)s."),
    "atom.needed": _("needs the atom “%(atom)s”."),
    "atom.not_sensitive": _("is not a sensitive atom."),
    "atom.sensitive": _("There are: %(known)s."),
    "atom.unknown": _("is not an atom of release %(release)s."),
    "customization.empty": _("changes nothing."),
    "customization.name_one": _("Name at least one parameter."),
    "document.mapping": _("must be a mapping of keys to values."),
    "domain.address": _("“%(given)s” is an address: a site needs a name, as in blog.example.com."),
    "domain.not_dns": _("“%(given)s” is not a domain that DNS allows: check each part between the dots."),
    "domain.not_host": _("“%(given)s” is not a domain: write the host name only, as in blog.example.com."),
    "key.missing": _("is required."),
    "key.unknown": _("is not a key we know."),
    "list.repeats": _("%(field)s names the same value twice."),
    "loop.backup": _("The final backup is being made."),
    "loop.fails": _("It fails, and nothing says why."),
    "loop.handing": _("Generation %(n)s is being handed over."),
    "loop.newer": _(
        "Generation %(old)s is already there, newer than the wanted %(n)s: this control plane's database is older "
        "than what runs. Change the site once more, or restore the newer database."
    ),
    "loop.no_label": _("It is to be closed, but its final backup has no label, so it is kept."),
    "loop.old_serves": _("Generation %(old)s still serves, because generation %(n)s fails: %(why)s"),
    "loop.removing": _("The final backup is kept; the site is being removed."),
    "loop.starting": _("Generation %(n)s is starting."),
    "loop.stopping": _("It is stopping before its final backup."),
    "loop.suspending": _("It is being suspended."),
    "loop.to_stop": _("It is being stopped before its final backup."),
    "loop.unknown": _("It is there, but nobody wishes for it. It is left alone: open it again, or remove it by hand."),
    "name.invalid": _(
        "Use 1 to 40 lower-case letters, digits and single hyphens, with a letter or digit at both ends."
    ),
    "near.name": _("Try “%(near)s”."),
    "near.one": _("Did you mean “%(near)s”?"),
    "parameter.anyOf": _("is not what this parameter takes."),
    "parameter.choice": _("must be one of: %(allowed)s."),
    "parameter.has": _("There are: %(known)s."),
    "parameter.maxItems": _("has more than %(limit)s entries."),
    "parameter.maxLength": _("has more than %(limit)s characters."),
    "parameter.maximum": _("%(given)s is greater than the maximum of %(limit)s."),
    "parameter.minItems": _("has fewer than %(limit)s entries."),
    "parameter.minLength": _("has fewer than %(limit)s characters."),
    "parameter.minimum": _("%(given)s is less than the minimum of %(limit)s."),
    "parameter.nul": _("must not hold the character NUL."),
    "parameter.pattern": _("is not written as it must be."),
    "parameter.required": _("lacks a value that is required."),
    "parameter.size": _("must be shorter than %(size)s kB."),
    "parameter.type": _("must be of type %(wanted)s, not %(given)s."),
    "parameter.uniqueItems": _("names the same value twice."),
    "parameter.unknown": _("is not a parameter of this atom."),
    "setting.folder": _("is a folder in which another site keeps its files."),
    "setting.known": _("There are: %(known)s."),
    "setting.needs": _("needs %(other)s as well."),
    "setting.random": _("must have %(least)s or more random characters: ASCII, without spaces."),
    "setting.servers": _("must be addresses of name servers, as %(example)s."),
    "setting.unknown": _("is no setting that a site can be given."),
    "store.give": _("Give the address of the client's database for “%(atom)s”."),
    "store.give_server": _("Give the URL of a database that the client runs."),
    "store.not_client": _("must name a database server of the client: an SQLite file would lie on the hoster's disk."),
    "store.known": _("There are: %(known)s."),
    "store.scheme": _("must begin with one of: %(allowed)s."),
    "store.unknown": _("is not a store of this site."),
    "store.unnamed": _("is the client's, so its database must be named."),
    "store.url": _("must be a URL like %(example)s."),
    "value.literal_error": _("must be one of: %(expected)s."),
    "value.string_too_long": _("has more than %(max_length)s characters."),
    "value.string_too_short": _("has fewer than %(min_length)s characters."),
    "value.too_short": _("has fewer than %(min_length)s entries."),
    "value.too_long": _("has more than %(max_length)s entries."),
    "value.string_type": _("must be text."),
}
"""A sentence's code -> what the console says, with the sentence's values."""


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
    """What came as an English sentence in the reader's language; as it is where it names no code that we know."""
    if not isinstance(text, Sentence) or text.code not in BY_SENTENCE or (get_language() or "en").startswith("en"):
        return str(text)
    values = {name: said_text(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return gettext(BY_SENTENCE[text.code]) % values
