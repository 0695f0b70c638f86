"""Articles: what a publication writes and who may read it.

Owns the pages `Article` and `ArticleIndex` (the site's home), authors, tags, feeds, search and the sitemap. Invariants: an article that
is not live and public is not found by an anonymous reader at any address, in any list, feed, search, sitemap or file; who may
see what is decided in `visibility` alone; an article's uuid is announced once, when it is live and public for the first time,
whatever happens to it afterwards; an import announces nothing and never overwrites what an editor changed.
"""
