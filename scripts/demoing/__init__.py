"""The parts of ``scripts/demo``: what is shown (`table`), what runs (`world`), what is done and checked (`story`), and texts.

Everything is done through public surfaces: the command line, HTTP and SMTP. Nothing reads a database of ours.
"""
