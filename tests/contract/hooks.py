# SPDX-License-Identifier: EUPL-1.2
"""Makes good requests better: about things that are there, in the revision that is there. Bad ones stay as they are.
Counts what was answered, so that `run.py` sees what was not reached."""

import atexit
import json
import os
import random
from collections import Counter, defaultdict

import schemathesis

IDS = json.loads(os.environ["CONTRACT_IDS"])
TENANT = os.environ["CONTRACT_TENANT"]
NEEDS_TENANT = os.environ["CONTRACT_NEEDS_TENANT"] == "1"

CSRF = os.environ["CONTRACT_CSRF"]

# Requests that name something which is there, of ten.
KNOWN_OF_TEN = 8

DICE = random.Random(4)
ANSWERS = defaultdict(Counter)

# What made-up values never fit: a span of time.
FITTING = {"/availability": {"from": "2030-03-04T08:00:00Z", "to": "2030-03-04T09:00:00Z"}}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Each from an address of its own: strangers who ask often would be told to wait.
    address = ".".join(["10", *(str(DICE.randrange(256)) for _ in range(3))])
    # The other is what pages of ours send beside the cookie.
    own = {"X-Forwarded-For": address, "X-CSRF-Token": CSRF}
    case.headers = {**(case.headers or {}), **own}
    phase = case.meta.phase.name.value if case.meta else ""
    # What such a sequence has made is what it goes on with.
    if phase != "stateful" and case.path_parameters and not is_negative(case, "path"):
        name_things(case)
    # The answer would wait for news, of which there are none.
    if case.path.startswith("/lobby/") and case.query:
        case.query.pop("known", None)
    if DICE.randrange(10) >= KNOWN_OF_TEN:
        return
    if not is_negative(case, "query"):
        tenant = {"tenant_id": TENANT} if NEEDS_TENANT else {}
        case.query = {**(case.query or {}), **FITTING.get(case.path, {}), **tenant}
    # Software that acts for nobody has to say whose a room is.
    if case.path.startswith("/rooms") and isinstance(case.body, dict) and not is_negative(case, "body"):
        case.body["owner_id"] = DICE.choice(IDS["user_id"])
    headers = {name.lower(): name for name in case.headers or {}}
    if "if-match" in headers and not is_negative(case, "header"):
        case.headers[headers["if-match"]] = "*"
    # Or it would be new only where it is not there yet, and unchanged wherever it is.
    if "if-none-match" in headers and not is_negative(case, "header"):
        del case.headers[headers["if-none-match"]]


def is_negative(case, location):
    components = case.meta.components if case.meta else {}
    parts = [part for place, part in components.items() if place.value.startswith(location)]
    return any(part.mode.value == "negative" for part in parts)


def name_things(case):
    """Puts ids of things into the path. What is deleted or ended is made up, or nothing would be left."""
    if case.method.upper() == "DELETE" or case.path.endswith("/end") or DICE.randrange(10) >= KNOWN_OF_TEN:
        return
    path = case.path_parameters
    for name in list(path):
        if IDS.get(name):
            thing = DICE.choice(IDS[name])
            # Things that are part of others bring the others' ids.
            path.update(thing if isinstance(thing, dict) else {name: thing})


@schemathesis.hook
def after_call(context, case, response):
    ANSWERS[f"{case.method.upper()} {case.path}"][response.status_code] += 1


@atexit.register
def write_answers():
    with open(os.environ["CONTRACT_ANSWERS"], "w") as file:
        json.dump(ANSWERS, file)
