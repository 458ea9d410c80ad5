# SPDX-License-Identifier: EUPL-1.2
"""What no request can bring about is brought about in the database."""

import sqlite3
from pathlib import Path


class Rows:
    """The database of a server that runs in `folder`: PostgreSQL, or SQLite in its file."""

    def __init__(self, folder, postgres):
        self.file, self.postgres = Path(folder) / "data" / "saal.db", postgres

    def execute(self, statement):
        if self.postgres:
            self.postgres.execute(statement)
            return
        # As long as Saal itself waits for its turn to write.
        connection = sqlite3.connect(self.file, timeout=30)
        try:
            with connection:
                connection.execute(statement)
        finally:
            connection.close()
