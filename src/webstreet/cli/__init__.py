"""The command line, ``webstreet <noun> <verb>``.

Owns no state and decides nothing: it speaks to the REST API of the control plane, so that whatever can be done here can be done
by a program too, with the same error codes. Nouns have the file names they have elsewhere (``client.py``, ``site.py``...).
Invariants: results on standard output, everything else on standard error; with ``--json`` standard output carries one JSON
document and nothing else; secrets come from files, never from arguments; exit codes are those of `webstreet.cli.errors`.
Nothing heavy is imported before it is needed: ``webstreet --help`` answers at once.
"""
