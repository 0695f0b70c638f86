"""``webstreet site``: open, watch, fill, pause and close websites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from webstreet.cli.api import nearest
from webstreet.cli.client import known_clients
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json, SiteName, TemplateOption, api, site_id
from webstreet.cli.output import say, show, show_json, show_json_line
from webstreet.kernel.ids import slug

app = typer.Typer(
    name="site",
    cls=Group,
    help="Websites: open them, watch them, fill them, close them.",
    epilog="""
        webstreet site open acme/blog --template publication
        webstreet site status acme/blog --watch
        webstreet site import acme/blog --from crispy-octo dump.sql
        webstreet site close acme/blog
    """,
    no_args_is_help=True,
)
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is so, or only record the wish.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait.")]


@app.command(
    "open",
    cls=Command,
    epilog="""
        webstreet site open acme/blog
        webstreet site open acme/blog --domain blog.acme.example --language fr
        webstreet site open acme/blog --set newsletter.on_publish=draft
        webstreet site open acme/blog --email-url smtp://127.0.0.1:1025
    """,
)
def open_(
    ctx: typer.Context,
    name: SiteName,
    template: TemplateOption = "publication",
    title: Annotated[
        str, typer.Option("--title", metavar="TEXT", help="What readers see. Else made from the name.")
    ] = "",
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", metavar="HOST", help="Domain; may be repeated, the first is canonical."),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", metavar="CODE", help="en or fr; may be repeated, the first is default."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="ATOM.PARAMETER=VALUE", help="Parameter of an atom, as YAML.")
    ] = None,
    residency: Annotated[
        list[str] | None,
        typer.Option("--residency", metavar="ATOM=WHERE", help="hosted or client, for a sensitive atom."),
    ] = None,
    database_url_file: Annotated[
        list[str] | None,
        typer.Option("--database-url-file", metavar="ATOM=FILE", help="File with a database URL; ATOM or default."),
    ] = None,
    email_url: Annotated[
        str, typer.Option("--email-url", metavar="URL", help="Mail server without a password: smtp://host:port.")
    ] = "",
    email_url_file: Annotated[
        Path | None, typer.Option("--email-url-file", metavar="FILE", help="File with the mail server's URL.")
    ] = None,
    setting_file: Annotated[
        list[str] | None,
        typer.Option("--setting-file", metavar="NAME=FILE", help="File with a further setting, as BOUNCE_MAILBOX_URL."),
    ] = None,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Reason for what differs from the template; kept with it.")
    ] = "",
    wait: Wait = True,
    timeout: Timeout = 180.0,
    as_json: Json = False,
) -> None:
    """Open a site, and wait until it runs.

    A URL with a password is read from a file, never from the command line, where every process of the machine could read it.
    """
    from webstreet.cli import site_open

    site = site_id(name)
    wish = {
        "client": site.client,
        "site": site.site,
        "title": title,
        "template": slug(template, what="template"),
        "domains": domain or [],
        "languages": language or ["en"],
        "parameters": site_open.parameters(set_ or []),
        "residency": dict(site_open.pair(text, "--residency ATOM=WHERE") for text in residency or []),
        "database_urls": site_open.secret_files(database_url_file or [], "--database-url-file ATOM=FILE"),
        "email_url": site_open.email(email_url, email_url_file),
        "settings": site_open.secret_files(setting_file or [], "--setting-file NAME=FILE"),
        "why": why,
    }
    site_open.run(api(ctx), site, wish, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(
    "list",
    cls=Command,
    epilog="""
        webstreet site list
        webstreet site list --client acme --search blog
        webstreet site list --json | jq -r '.items[].address'
    """,
)
def list_(
    ctx: typer.Context,
    client: Annotated[str, typer.Option("--client", metavar="CLIENT", help="Only this client's.")] = "",
    search: Annotated[str, typer.Option("--search", metavar="TEXT", help="Only those that match.")] = "",
    sort: Annotated[str, typer.Option("--sort", metavar="FIELD", help="Order, such as name or -created_at.")] = "",
    as_json: Json = False,
) -> None:
    """List the sites."""
    from webstreet.cli.site_view import listed

    control = api(ctx)
    if client:
        client = slug(client, what="client")
        with nearest(client, lambda: known_clients(control), next_step="See: webstreet client list"):
            control.get("clients", client)
    found = control.items("sites", client=client, q=search, sort=sort)
    if as_json:
        show_json({"items": found, "total": len(found)})
    elif found:
        show(listed(found))
    elif search:
        say(f'No site matches "{search}".')
    else:
        of = f" of {client}" if client else ""
        say(f"There is no site{of} yet. Open one with: webstreet site open {client or 'CLIENT'}/NAME")


@app.command(
    "status",
    cls=Command,
    epilog="""
        webstreet site status acme/blog
        webstreet site status acme/blog --watch
        webstreet site status acme/blog --json | jq -r .state
    """,
)
def status(
    ctx: typer.Context,
    name: SiteName,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is wanted of a site and what is seen of it.

    With --watch and --json, one JSON document a line, whenever something changed.
    """
    from webstreet.cli import site_view

    control, site = api(ctx), site_id(name)
    if watch:
        site_view.watch(control, site, as_json=as_json)
    else:
        site_view.show(site_view.get_site(control, site), as_json=as_json)


@app.command(
    "import",
    cls=Command,
    epilog="""
        webstreet site import acme/blog --from wordpress export.xml
        webstreet site import acme/blog --from wordpress folder-with-export-and-uploads/
        webstreet site import acme/blog --from csv readers.csv --map email=E-Mail --dry-run
        webstreet site import acme/blog --from webstreet blog.tar.gz
        webstreet site import acme/blog --from crispy-octo dump.sql
        webstreet site import acme/blog --list
        webstreet site import acme/blog --cancel 5f0c2a7e-9d3b-4c58-8a51-2f4be0c9d111
    """,
)
def import_(
    ctx: typer.Context,
    name: SiteName,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file to import, or a folder (wordpress).")
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="SOURCE", help="Required: wordpress, csv, webstreet, crispy-octo; what wrote the file."
        ),
    ] = "",
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="csv: which column is what; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="csv: count what would be done, change nothing.")] = False,
    fetch_remote: Annotated[
        bool, typer.Option("--fetch-remote", help="wordpress: fetch missing files from the old site.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the site's imports, the newest first.")] = False,
    cancel: Annotated[
        str, typer.Option("--cancel", metavar="ID", help="End an import that waits or runs; what it finished stays.")
    ] = "",
    wait: Wait = True,
    timeout: Timeout = 3600.0,
    as_json: Json = False,
) -> None:
    """Import content and subscribers of another program.

    It can be repeated: what is there already is kept or updated, never doubled. Nobody is mailed. Records that cannot be
    taken are listed with the line they are on.
    """
    from webstreet.cli import site_import

    if list_:
        site_import.show_list(api(ctx), site_id(name), as_json=as_json)
        return
    if cancel:
        site_import.cancel(api(ctx), site_id(name), cancel, as_json=as_json)
        return
    options = {"map": map_ or [], "dry_run": dry_run, "fetch_remote": fetch_remote}
    given = {option: value for option, value in options.items() if value}
    site_import.run(api(ctx), site_id(name), source, file, options=given, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(
    "export",
    cls=Command,
    epilog="""
        webstreet site export acme/blog --to blog.tar.gz
        webstreet site import acme/new --from webstreet blog.tar.gz
    """,
)
def export(
    ctx: typer.Context,
    name: SiteName,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the archive goes; it must not be there yet.")],
    as_json: Json = False,
) -> None:
    """Write everything a site holds as one archive.

    Content, files, redirects and subscribers with what they agreed to. The archive is checked when it is there. It holds personal
    data: keep it like that.
    """
    from webstreet.cli import site_export

    site_export.run(api(ctx), site_id(name), to, as_json=as_json)


@app.command(
    "logs",
    cls=Command,
    epilog="""
        webstreet site logs acme/blog --lines 50
        webstreet site logs acme/blog --process worker --follow
    """,
)
def logs(
    ctx: typer.Context,
    name: SiteName,
    process: Annotated[
        str, typer.Option("--process", metavar="NAME", help="supervisor, web or worker; else all.")
    ] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many of the last lines.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Print the logs of a site.

    With --json, one JSON document a line.
    """
    from webstreet.cli.site_view import on_site

    control, site = api(ctx), site_id(name)

    def read() -> None:
        path = ("sites", site.client, site.site, "logs")
        with control.lines(*path, process=process, lines=lines, follow=follow or "") as found:
            for line in found:
                show_json_line({"line": line}) if as_json else say(line)

    on_site(control, site, read)


def _wish(ctx: typer.Context, name: str, verb: str, until: str, wait: bool, timeout: float, as_json: bool) -> Any:
    from webstreet.cli import site_open

    return site_open.change(api(ctx), site_id(name), verb, until, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(
    "suspend",
    cls=Command,
    epilog="""
        webstreet site suspend acme/blog
    """,
)
def suspend(
    ctx: typer.Context, name: SiteName, wait: Wait = True, timeout: Timeout = 60.0, as_json: Json = False
) -> None:
    """Stop a site's processes; its data stays, and visitors are told to come back (503)."""
    _wish(ctx, name, "suspend", "suspended", wait, timeout, as_json)


@app.command(
    "resume",
    cls=Command,
    epilog="""
        webstreet site resume acme/blog
    """,
)
def resume(
    ctx: typer.Context, name: SiteName, wait: Wait = True, timeout: Timeout = 120.0, as_json: Json = False
) -> None:
    """Run a suspended site again."""
    _wish(ctx, name, "resume", "running", wait, timeout, as_json)


@app.command(
    "customize",
    cls=Command,
    epilog="""
        webstreet site customize acme/blog newsletter.on_publish=draft --why "Acme reads every mail first"
        webstreet site customize acme/blog --list
        webstreet site customize acme/blog --undo 1 --why "Acme trusts us now"
    """,
)
def customize(
    ctx: typer.Context,
    name: SiteName,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="ATOM.PARAMETER=VALUE...", help="What to set; values are YAML.")
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for whoever asks later.")] = "",
    undo: Annotated[
        int | None, typer.Option("--undo", metavar="NUMBER", min=1, help="Put back what was there before that one.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what was customized, and what still holds.")] = False,
    wait: Wait = True,
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> None:
    """Change parameters of a site's atoms, and record why.

    The site's processes are exchanged for new ones without losing a request. Nothing of the record is ever deleted: undoing a
    customization adds another one.
    """
    from webstreet.cli import site_customize

    control, site = api(ctx), site_id(name)
    if list_:
        site_customize.show_list(control, site, as_json=as_json)
    else:
        site_customize.run(control, site, changes or [], undo, why, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(
    "close",
    cls=Command,
    epilog="""
        webstreet site close acme/blog
        webstreet site close acme/blog --yes-close acme/blog
    """,
)
def close(
    ctx: typer.Context,
    name: SiteName,
    yes_close: Annotated[
        str, typer.Option("--yes-close", metavar="CLIENT/SITE", help="The name again, instead of being asked for it.")
    ] = "",
    wait: Wait = True,
    timeout: Timeout = 180.0,
    as_json: Json = False,
) -> None:
    """Close a site for good, after a final backup.

    Says what will go, asks for the site's name, makes a last backup, removes the site, and prints where the backup is.
    """
    from webstreet.cli import site_close

    site_close.run(api(ctx), site_id(name), yes_close, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(
    "login",
    cls=Command,
    epilog="""
        webstreet site login acme/blog
        webstreet site login acme/blog --email editor@example.com
        webstreet site login acme/blog --email new@example.com --create
        webstreet site login acme/blog --email editor@example.com --reset-second-factor
    """,
)
def login(
    ctx: typer.Context,
    name: SiteName,
    email: Annotated[
        str, typer.Option("--email", metavar="ADDRESS", help="Editor to log in; else the first one.")
    ] = "",
    next_: Annotated[str, typer.Option("--next", metavar="PATH", help="Page to go to, as in /admin/.")] = "",
    create: Annotated[
        bool, typer.Option("--create", help="Make an editor with every right if none has this address.")
    ] = False,
    reset: Annotated[
        bool,
        typer.Option(
            "--reset-second-factor", help="The editor lost it: remove app, passkeys, recovery codes; end all sessions."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a link that logs an editor into the site's admin once."""
    from webstreet.cli.login import show_link
    from webstreet.cli.site_view import on_site

    control, site = api(ctx), site_id(name)
    wanted = {"email": email, "next": next_, "create": create, "reset_second_factor": reset}
    body = {key: value for key, value in wanted.items() if value}
    path = ("sites", site.client, site.site, "login-links")
    link = on_site(control, site, lambda: control.post(*path, body=body))
    show_link(link, "the site's admin", as_json=as_json)


@app.command(
    "render",
    cls=Command,
    epilog="""
        webstreet site render acme/blog
        webstreet site render acme/blog > blog.yaml
    """,
)
def render(ctx: typer.Context, name: SiteName, as_json: Json = False) -> None:
    """Print what is handed to the orchestrator, as YAML; secrets are left out."""
    from webstreet.cli.site_view import on_site

    control, site = api(ctx), site_id(name)
    text = on_site(control, site, lambda: control.text("sites", site.client, site.site, "rendered"))
    if as_json:
        import yaml

        show_json(list(yaml.safe_load_all(text)))
    else:
        say(text.rstrip("\n"))
