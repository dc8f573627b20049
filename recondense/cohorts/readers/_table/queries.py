"""A query that is sent to a database, and that can do nothing there but read.

Three things hold it: it is one statement that begins with SELECT or WITH; the transaction is read-only; and only
databases are asked that can hold a transaction to that. What a SELECT may still do is what the database lets its user
call (PostgreSQL before 16 makes large objects even then): give the account of the URL the right to read these tables
and no other.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError, SQLAlchemyError

from recondense.errors import InputError

PG_READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction
READS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)


def rows_of(raw: Path, place: str, query: str) -> pd.DataFrame:
    """The rows that ``query`` gives at ``place`` (see `_table.places.Tabular`), as text cells numbered from 1.

    Raises `InputError` where the database cannot be asked, or refuses.
    """
    url, where = _url(raw, place), f"the query to {place}"
    try:
        engine = create_engine(url)
        with engine.connect() as connection:
            result = _reading_only(connection, where).execute(text(query))
            names = list(result.keys())
            rows = [tuple(_as_text(value) for value in row) for part in result.partitions() for row in part]
        engine.dispose()
    except ImportError as error:
        raise InputError(f"{where} needs a driver that is not installed: install the package '{error.name}'") from error
    except (OperationalError, ProgrammingError) as error:
        # What a server says of a statement or a connection names tables and columns; a URL's password may be in it
        said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        if url.password:
            said = said.replace(str(url.password), "***")
        raise InputError(f"{where} failed: {said}: mend 'query' or the URL") from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "pgcode", None) or getattr(cause, "sqlite_errorcode", None)
        if code in (PG_READ_ONLY, sqlite3.SQLITE_AUTH):
            raise InputError(f"{where} was refused by the database: it does more than read. Mend 'query'") from error
        said = type(cause).__name__
        raise InputError(f"{where} failed with {said}: try it in your database's own client") from error
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{where} gives two columns named '{twice[0]}': rename one with AS")
    return pd.DataFrame(rows, columns=names, index=range(1, len(rows) + 1), dtype="str")


def _reading_only(connection: Connection, where: str) -> Connection:
    """``connection`` with a transaction in which whatever writes is refused by the database itself."""
    kind = connection.dialect.name
    if kind == "postgresql":
        return connection.execution_options(yield_per=10_000, postgresql_readonly=True)
    if kind == "sqlite":
        # The file is opened read-only, too; this also stops ATTACH, VACUUM INTO and PRAGMA, which make or open others
        database: Any = connection.connection.dbapi_connection
        database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in READS else sqlite3.SQLITE_DENY)
        return connection.execution_options(yield_per=10_000)
    raise InputError(
        f"{where} is for {kind}, and only PostgreSQL and SQLite can be held to reading: export the table to Parquet or "
        "CSV and name it with 'file'"
    )


def _url(raw: Path, declared: str) -> URL:
    written = declared
    if declared.startswith("env:"):
        variable = declared.removeprefix("env:")
        written = os.environ.get(variable, "")
        if not written:
            raise InputError(
                f"the environment variable {variable} is not set: let it hold the database's SQLAlchemy URL"
            )
    try:
        url = make_url(written)
    except ArgumentError as error:
        raise InputError(
            f"{declared} holds no SQLAlchemy URL: write it as in postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:"):
        path = raw / url.database  # as any file of the cohort; an absolute path stays what it is
        if not path.is_file():
            raise InputError(f"{path} is missing: put the SQLite database there, or mend 'url'")
        return url.set(database=f"file:{path.resolve()}", query={**url.query, "mode": "ro", "uri": "true"})
    return url


def _as_text(value: object) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
