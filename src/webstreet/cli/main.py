"""``webstreet``: the tree of commands, and the one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from webstreet.cli import atom, client, control, dictionary, login, site, template
from webstreet.cli.errors import DONE, FAILED, UsageWrong, exit_code
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json, Session
from webstreet.cli.output import say, show_error, show_json
from webstreet.kernel.errors import WebstreetError

INTERRUPTED = 130

app = typer.Typer(
    name="webstreet",
    cls=Group,
    help="Host websites for other people: open them, watch them, fill them, close them.",
    epilog="""
        webstreet control run
        webstreet client add acme --title "Acme"
        webstreet site open acme/blog --template publication
        webstreet site status acme/blog --watch
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 80},
)
for noun in (client, site, atom, template, dictionary):
    app.add_typer(noun.app)
app.add_typer(control.app)


def _version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit()


@app.callback()
def program(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and end.")
    ] = False,
    url: Annotated[
        str,
        typer.Option(
            "--url", metavar="URL", help="Address of the control plane. Else WEBSTREET_URL, else the local one."
        ),
    ] = "",
    key_file: Annotated[
        str, typer.Option("--key-file", metavar="FILE", help="File with the key, mode 0600. Else WEBSTREET_KEY_FILE.")
    ] = "",
) -> None:
    ctx.obj = Session(url, key_file)


app.command(
    "login",
    cls=Command,
    epilog="""
        webstreet login
        webstreet login --next /console/sites/site/
    """,
)(login.login)


@app.command(
    "version",
    cls=Command,
    epilog="""
        webstreet version
        webstreet version --json
    """,
)
def version(as_json: Json = False) -> None:
    """Print the version of Webstreet on this machine."""
    from webstreet import __version__
    from webstreet.contract import CONTRACT_VERSION

    if as_json:
        show_json({"version": __version__, "contract": CONTRACT_VERSION, "python": sys.version.split()[0]})
    else:
        say(f"webstreet {__version__} (contract {CONTRACT_VERSION}, Python {sys.version.split()[0]})")


def run(arguments: list[str]) -> int:
    """Run one command line. Returns the exit code."""
    as_json = "--json" in arguments
    try:
        result = app(arguments, prog_name="webstreet", standalone_mode=False)
    except WebstreetError as error:
        show_error(error, as_json=as_json)
        return exit_code(error)
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        # typer's own errors know how to say what is wrong with the line; everything else is a defect of ours.
        told = getattr(error, "format_message", None)
        if told is None:
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            say(told())
            return exit_code(UsageWrong(""))
        ctx = getattr(error, "ctx", None)
        path = ctx.command_path if ctx is not None else "webstreet"
        wrong = UsageWrong(f"{_sentence(told())} See: {path} --help")
        show_error(wrong, as_json=as_json)
        return exit_code(wrong)
    return result if isinstance(result, int) else DONE


def _sentence(text: str) -> str:
    text = " ".join(text.split()).replace("Value error, ", "")
    return text if text.endswith((".", "?")) else f"{text}."


def main() -> None:
    """The entry point of the distribution."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away (``| head``): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
