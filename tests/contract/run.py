# SPDX-License-Identifier: EUPL-1.2
"""Sends a running Saal requests that schemathesis makes up of its OpenAPI document, good and bad ones. Fails when an
answer is one that the document does not know, or an error of the server; when something that the caller may do never
succeeded, or something that they may not do did. On both databases as who looks after the installation, and on
PostgreSQL as software of a tenant that may do less. `cargo xtask test --only contract` prepares and runs it."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from openapi_spec_validator import validate

from postgres import Postgres
from reach import Reach, expanded, scopes_of
from rows import Rows
from seeds import PASSWORD, Client, Garden

HERE = Path(__file__).parent

# A calendar's server: schedules, invites and looks, and administers nothing.
LESSER = ["meetings:*", "rooms:*", "invitees:*", "sessions:read", "policies:read", "users:read", "webhooks:read"]

# The log of a server that has met a case that nobody thought of.
TROUBLE = ("panicked", "ERROR")


class Run:
    """One server on one kind of database, asked by one kind of caller."""

    def __init__(self, saal, database, caller, seconds, reports):
        self.name = f"{caller} on {database}"
        self.saal, self.database, self.caller, self.seconds = Path(saal).resolve(), database, caller, seconds
        self.folder = Path(tempfile.mkdtemp(prefix="saal-contract-"))
        self.reports = Path(reports).resolve() / f"{database}-{caller}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SAAL_")}
        self.environment["SAAL_API__REQUESTS_PER_SECOND"] = "100000"
        self.environment["SAAL_HTTP__TRUSTED_PROXIES"] = "127.0.0.1/32"

    def do(self):
        """Returns what is wrong."""
        os.chmod(self.folder, 0o755)
        postgres = Postgres(self.folder) if self.database == "postgres" else None
        if postgres:
            self.environment["SAAL_DATABASE__URL"] = postgres.url
        self.rows = Rows(self.folder, postgres)
        try:
            return self.against_server()
        finally:
            if postgres:
                postgres.end()
            shutil.rmtree(self.folder, ignore_errors=True)

    def against_server(self):
        shutil.rmtree(self.reports, ignore_errors=True)
        self.reports.mkdir(parents=True)
        serve = [self.saal, "serve", "--dev", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0"]
        log = self.reports / "saal.log"
        with open(log, "w") as errors:
            server = subprocess.Popen(
                serve, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            url = server.stdout.readline().strip().rsplit(" ", 1)[-1]
            if not url.startswith("http"):
                return [f"{self.name}: saal did not start, see {log}"]
            wrong = self.with_data(url)
            if server.poll() is not None:
                wrong.append(f"{self.name}: saal has ended with {server.returncode}, see {log}")
        finally:
            server.terminate()
            server.wait()
        lines = log.read_text().splitlines()
        wrong += [f"{self.name}: {line}" for line in lines if any(word in line for word in TROUBLE)]
        verified = self.command("audit", "verify", check=False)
        if verified.returncode:
            wrong.append(f"{self.name}: the audit log is broken: {verified.stdout}{verified.stderr}")
        return wrong

    def with_data(self, url):
        session = requests.Session()
        document = session.get(f"{url}/api/v1/openapi.json", timeout=30).json()
        validate(document)
        scopes = scopes_of(document)
        root = self.token("root", scopes, "--installation")
        bearer = {"Authorization": f"Bearer {root}"}
        tenant = session.get(f"{url}/api/v1/tenants", headers=bearer, timeout=30).json()["items"][0]["id"]
        lesser = self.caller == "lesser"
        token = self.token("lesser", LESSER, "--tenant", "main") if lesser else root
        garden = Garden(Client(session, url, root, tenant), self.rows)
        garden.plant("participant" if lesser else "tenant_admin")
        planted = self.folder / "planted.json"
        planted.write_text(json.dumps(garden.as_json()))
        cookie, csrf = sign_in(url, garden.person["email"])
        environment = {
            **self.environment,
            "CONTRACT_COOKIE": cookie,
            "CONTRACT_CSRF": csrf,
            "CONTRACT_PLANTED": str(planted),
            "CONTRACT_TENANT": "" if lesser else tenant,
            "CONTRACT_TICKET": next(iter(garden.tickets.values())),
            "CONTRACT_TOKEN": token,
            "CONTRACT_URL": f"{url}/api/v1",
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(HERE),
        }
        # Sequences of requests have a time of their own, or single ones would leave them none.
        wrong = self.schemathesis(url, environment, "examples,coverage,fuzzing", self.seconds * 2 // 3)
        wrong += self.schemathesis(url, environment, "stateful", self.seconds // 3)
        reach = Reach(self.reports.glob("*.json"))
        done, unlike = reach.judge(document, expanded(LESSER, document) if lesser else set(scopes))
        print(f"{self.name}: {reach.requests()} requests, {done}.", flush=True)
        return wrong + [f"{self.name}: {line}" for line in unlike]

    def schemathesis(self, url, environment, phases, seconds):
        name = phases.split(",", 1)[0]
        environment = {**environment, "CONTRACT_ANSWERS": str(self.reports / f"{name}.json")}
        command = [Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml", "run"]
        command += [f"{url}/api/v1/openapi.json", "--phases", phases, "--max-time", str(seconds), "--no-color"]
        output = self.reports / f"{name}.log"
        with open(output, "w") as log:
            status = subprocess.run(command, cwd=self.folder, env=environment, stdout=log, stderr=log).returncode
        return [] if status == 0 else [f"{self.name}, {phases}: schemathesis found something:\n{output.read_text()}"]

    def token(self, name, scopes, *arguments):
        made = self.command("api-token", "create", "--name", name, "--scopes", ",".join(scopes), *arguments)
        return made.stdout.strip().splitlines()[-1]

    def command(self, *arguments, check=True):
        made = subprocess.run(
            [self.saal, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if check and made.returncode:
            raise SystemExit(f"saal {arguments}: {made.stdout}{made.stderr}")
        return made


def sign_in(url, email):
    """The cookie of somebody's browser, and what it sends beside it."""
    body = {"email": email, "password": PASSWORD}
    answer = requests.post(f"{url}/api/v1/session", json=body, timeout=30)
    return answer.cookies["saal_session"], answer.json()["csrf_token"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saal", required=True, help="the program")
    parser.add_argument("--seconds", type=int, default=100, help="how long each database is asked")
    parser.add_argument("--reports", default="target/contract", help="where to write what was seen")
    parser.add_argument("--only", choices=["sqlite", "postgres"], help="only on this database")
    parser.add_argument("--all-callers", action="store_true", help="who may do less on both databases as well")
    options = parser.parse_args()
    pairs = [("sqlite", "administrator"), ("postgres", "administrator"), ("postgres", "lesser")]
    if options.all_callers:
        pairs += [("sqlite", "lesser")]
    chosen = [pair for pair in pairs if options.only in (None, pair[0])]
    runs = [Run(options.saal, database, caller, options.seconds, options.reports) for database, caller in chosen]
    with ThreadPoolExecutor(len(runs)) as pool:
        wrong = [line for lines in pool.map(Run.do, runs) for line in lines]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
