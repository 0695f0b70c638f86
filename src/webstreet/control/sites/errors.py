"""What can go wrong with sites."""

from webstreet.kernel.errors import BadInput, Conflict, NotFound, TooMany, Unavailable


class SiteMissing(NotFound):
    """There is no such site, or the caller may not know of it."""

    code = "site.missing"


class SiteTaken(Conflict):
    """The client has an open site of that name."""

    code = "site.taken"


class DomainTaken(Conflict):
    """Another open site has that domain."""

    code = "domain.taken"


class SiteClosing(Conflict):
    """The site is being closed; its wish cannot be changed any more."""

    code = "site.closing"


class ConfirmationWrong(BadInput):
    """Closing needs the site's full name as confirmation."""

    code = "site.confirmation_wrong"


class SiteNotRunning(Unavailable):
    """What was asked needs the site's processes, and they do not run."""

    code = "site.not_running"


class ImportMissing(NotFound):
    """There is no such import, or the caller may not know of it."""

    code = "import.missing"


class ImportSourceUnknown(BadInput):
    """Nothing here can read files of that kind."""

    code = "import.source_unknown"


class ImportOptionWrong(BadInput):
    """An import's option is not for its source, or not written as it must be."""

    code = "import.option"


class ImportResidency(Conflict):
    """The file may hold data that must not lie at the hoster."""

    code = "import.residency"


class ImportFinished(Conflict):
    """An import that has ended cannot be cancelled."""

    code = "import.finished"


class ExportFailed(Unavailable):
    """The site did not write its export."""

    code = "export.failed"


class ExportBusy(TooMany):
    """As many exports as this installation can make at once are being made."""

    code = "export.busy"
    retry_after_s = 10


class ImportsTooMany(Conflict):
    """The site has as many unfinished imports as one may have."""

    code = "import.too_many"


class ImportEmpty(BadInput):
    """The request had no body."""

    code = "import.empty"


class ImportTooLarge(BadInput):
    """The file is larger than this installation takes."""

    code = "import.too_large"
    status = 413


class UploadIncomplete(BadInput):
    """The upload ended before its announced length."""

    code = "import.incomplete"
    status = 400


class LoginLinkFailed(Unavailable):
    """The site gave no login link."""

    code = "site.login_link_failed"


class TooManyFollowers(TooMany):
    """As many logs as this installation can follow at once are being followed."""

    code = "logs.too_many_followers"
    retry_after_s = 5
