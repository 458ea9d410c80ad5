# SPDX-License-Identifier: EUPL-1.2
"""A PostgreSQL of our own, from Debian's packages, in a folder that is thrown away."""

import os
import subprocess
import time
from pathlib import Path

# Whom Debian makes for it. The server refuses to run as root.
ACCOUNT = "postgres"


class Postgres:
    """Starts a server in `folder`, which listens on a socket there alone."""

    def __init__(self, folder):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not programs:
            raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
        programs = programs[-1].parent
        self.data = Path(folder) / "postgres"
        self.data.mkdir()
        account = []
        if os.geteuid() == 0:
            subprocess.run(["chown", ACCOUNT, self.data], check=True)
            account = ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--pdeathsig", "INT"]
        initdb = [programs / "initdb", "-D", self.data, "--username=saal", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        subprocess.run([*account, *initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL)
        settings = ["listen_addresses=", "fsync=off", "logging_collector=off"]
        settings = [word for setting in settings for word in ("-c", setting)]
        server = [programs / "postgres", "-D", self.data, "-k", self.data, *settings]
        with open(Path(folder) / "postgres.log", "w") as log:
            self.process = subprocess.Popen([*account, *server], stdout=log, stderr=log)
        while subprocess.run([programs / "pg_isready", "-q", "-h", self.data]).returncode:
            if self.process.poll() is not None:
                raise SystemExit(f"PostgreSQL did not start: see {folder}/postgres.log")
            time.sleep(0.1)
        self.programs = programs
        self.url = f"postgres://saal@localhost/postgres?host={self.data}"

    def execute(self, statement):
        psql = [self.programs / "psql", "--no-psqlrc", "--quiet", "--host", self.data, "--username", "saal"]
        subprocess.run([*psql, "--dbname", "postgres", "--command", statement], check=True)

    def end(self):
        self.process.terminate()
        self.process.wait()
