# SPDX-License-Identifier: EUPL-1.2
"""What a run has reached: everything that the caller may do was done at least once, and nothing that they may not."""

import json
from collections import Counter, defaultdict

from exceptions import EXCEPTIONS

METHODS = ("get", "put", "post", "delete", "patch")


def scopes_of(document):
    """All there are."""
    return list(document["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"]["scopes"])


def expanded(names, document):
    """The scopes that names stand for, such as `meetings:*`."""
    families = [name.removesuffix("*") for name in names if name.endswith("*")]
    return {
        scope
        for scope in scopes_of(document)
        if scope in names or any(scope.startswith(family) for family in families)
    }


def operations_of(document):
    """What is said of each operation, by its method and path."""
    return {
        f"{method.upper()} {path}": said
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in METHODS
    }


def may(said, scopes):
    """Whether somebody with these scopes may do it. What needs none may everybody who has what else it takes: a cookie,
    a ticket, or nothing. In a room is nobody here."""
    ways = [way for way in said["security"] if "room_token" not in way]
    needed = [way["api_token"] for way in ways if "api_token" in way]
    return not needed or any(scopes.issuperset(names) for names in needed)


class Reach:
    """The answers of a run, by operation and status."""

    def __init__(self, files):
        self.answers = defaultdict(Counter)
        for file in files:
            for name, statuses in json.loads(file.read_text()).items():
                self.answers[name].update(statuses)

    def requests(self):
        return sum(statuses.total() for statuses in self.answers.values())

    def good(self, name):
        """How often it was done."""
        return sum(count for status, count in self.answers[name].items() if status.startswith("2"))

    def judge(self, document, scopes):
        """Returns how many operations were done, and what is wrong."""
        operations = operations_of(document)
        allowed = {name for name, said in operations.items() if may(said, scopes)}
        done = {name for name in operations if self.good(name)}
        unknown = EXCEPTIONS.keys() - operations.keys()
        wrong = [f"exceptions.py names {name}, which the document does not know" for name in sorted(unknown)]
        for name in sorted(operations):
            if name in done - allowed:
                wrong.append(f"{name} was done by somebody who lacks the scope: {dict(self.answers[name])}")
            elif name in done and name in EXCEPTIONS:
                wrong.append(f"{name} was done, so it is no exception: take it out of exceptions.py")
            elif name in allowed - done and name not in EXCEPTIONS:
                wrong.append(f"{name} never succeeded: {dict(self.answers[name]) or 'it was not asked for'}")
        return f"{len(done)} of {len(allowed)} operations that they may do", wrong
