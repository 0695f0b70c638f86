"""Who signs in to the site's admin, by what, and the record of it. Readers are never in here: they have no account."""
