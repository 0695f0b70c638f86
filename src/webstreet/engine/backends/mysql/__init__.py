"""MariaDB and MySQL by PyMySQL, made to behave as SQLite and PostgreSQL do where Django's own backend lets them differ.

- Text is compared by its bytes: two addresses that differ by an accent or a capital are two addresses. What
  shall ignore capitals (``iexact``, ``icontains``) says so. Only the admin's search index keeps a collation that folds accents.
- Tables get this collation whatever the database's default is.
- A UUID is always ``char(32)``: a dump fits every version, and a server that grows a type of its own changes nothing.
- Waiting for a server that does not answer ends after `CONNECT_TIMEOUT_S`; a statement may take as long as it takes.
"""

import pymysql

# Django's backend imports MySQLdb, whose only wheel is source that needs a compiler. PyMySQL speaks for it.
pymysql.install_as_MySQLdb()  # type: ignore[no-untyped-call]
