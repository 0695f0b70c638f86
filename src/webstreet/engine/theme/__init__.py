"""The theme ``paper``: how a site looks to its readers, from tokens to message pages.

Owns the stylesheet (``css/``, joined and given the site's accent by `stylesheet`), the font, the base page templates, the pages about
what went wrong (their words are in `engine.errors`), and the body blocks that articles and pages share. Invariants: no script, no
inline style, no request to another host; every pair of colours in `colour.PAIRS` reaches WCAG 2.2 AA in both schemes, whatever accent
a client asks for; a page rendered for an anonymous reader depends on its address and language only.
"""
