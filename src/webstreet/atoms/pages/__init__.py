"""Pages that stay: about, imprint, contact.

Owns `StandardPage`, a title and a body of blocks, and makes the template's starter pages once for each language. Invariant: a starter
page that an editor deleted or changed is never made again.
"""
