"""A PostgreSQL server with PostGIS of the tests' own: fresh, on a free loopback port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "s3cr3t-p:w?"
"""Of the superuser `boss`; in an address `:` and `?` may stand as they are."""


@dataclass(frozen=True)
class Server:
    port: int

    def url(self, *, user: str = "boss", password: str | None = PASSWORD, database: str = "geo") -> str:
        login = user if password is None else f"{user}:{password}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: Any, database: str = "geo") -> list[Any]:
        """Run statements, each by itself, and return the rows of the last."""
        import psycopg

        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def put(self, frame: Any, name: str, **options: Any) -> None:
        """Write a frame with geopandas or pandas, as others would."""
        import sqlalchemy

        url = sqlalchemy.URL.create(
            "postgresql+psycopg", "boss", PASSWORD, host="127.0.0.1", port=self.port, database="geo"
        )
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        write = frame.to_postgis if hasattr(frame, "to_postgis") else frame.to_sql
        write(name, engine, index=False, if_exists="replace", **options)


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """Start a server, with PostGIS in its database `geo`; stop it and remove its files in any case."""
    home = Path(tempfile.mkdtemp(prefix="servicecircle-postgis-"))
    data = home / "data"
    as_user = []
    if os.geteuid() == 0:  # the server refuses to be root
        shutil.chown(home, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def call(program: str, *arguments: object) -> None:
        command = [*as_user, programs / program, *arguments]
        # without pipes: the server keeps those that it is started with
        with (home / f"{program}.log").open("w") as log:
            subprocess.run(list(map(str, command)), check=True, cwd=home, stdout=log, stderr=log)

    try:
        word = home / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        how = ["--auth=scram-sha-256", "--username=boss", f"--pwfile={word}", "--encoding=UTF8", "--locale=C"]
        call("initdb", "-D", data, *how, "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        call("pg_ctl", "start", "-w", "-t", 60, "-D", data, "-l", data / "server.log", "-o", options)
        try:
            server = Server(port)
            server.execute("CREATE DATABASE geo", database="postgres")
            server.execute("CREATE EXTENSION postgis")
            yield server
        finally:
            call("pg_ctl", "stop", "-m", "immediate", "-w", "-D", data)
    finally:
        shutil.rmtree(home, ignore_errors=True)
