# SPDX-License-Identifier: EUPL-1.2
"""Makes good requests better: about things that are there, in the revision that is there. Bad ones stay as they are.
Counts what was answered, so that `run.py` sees what was not reached."""

import atexit
import json
import os
import random
from collections import Counter, defaultdict
from pathlib import Path

import schemathesis

from fitting import Fitting, is_negative

PLANTED = json.loads(Path(os.environ["CONTRACT_PLANTED"]).read_text())
TENANT = os.environ["CONTRACT_TENANT"]
TICKET, COOKIE, CSRF = (os.environ[f"CONTRACT_{name}"] for name in ("TICKET", "COOKIE", "CSRF"))

# Of ten requests, those that name something which is there; and those whose bodies are made to agree with it, since
# what a schema alone makes up is mostly refused.
KNOWN_OF_TEN = 8
AGREEING_OF_TEN = 5

DICE = random.Random(4)
FITTING = Fitting(PLANTED, os.environ["CONTRACT_URL"], os.environ["CONTRACT_TOKEN"], DICE)
ANSWERS = defaultdict(Counter)

# By the places in the lobby that they are for.
TICKETS = PLANTED["tickets"]

# Who has signed in, and may sign out.
SIGNED_IN = []


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = name_of(case)
    phase = case.meta.phase.name.value if case.meta else ""
    # In them everything is done once as it should be.
    is_example = phase == "examples"
    is_known, is_agreeing = (is_example or DICE.randrange(10) < share for share in (KNOWN_OF_TEN, AGREEING_OF_TEN))
    if is_agreeing and isinstance(case.body, dict) and not is_negative(case, "body"):
        FITTING.agree_body(case, operation)
    # What a sequence has made is what it goes on with.
    if is_known and phase != "stateful" and not is_negative(case, "path"):
        FITTING.name_things(case, operation, is_example)
    FITTING.spare_what_is_kept(case, operation)
    if is_known and not is_negative(case, "query"):
        FITTING.agree_query(case, operation, TENANT, is_example)
    if is_known and not is_negative(case, "header"):
        FITTING.agree_head(case)
    show_who_asks(case, operation)
    # The answer would wait for news, of which there are none.
    if case.path.startswith("/lobby/") and case.query:
        case.query.pop("known", None)


def show_who_asks(case, operation):
    # Each from an address of its own: strangers who ask often would be told to wait.
    address = ".".join(["10", *(str(DICE.randrange(256)) for _ in range(3))])
    # The other is what pages of ours send beside the cookie.
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address, "X-CSRF-Token": CSRF}
    if case.headers.get("Authorization") == f"Bearer {TICKET}":
        ticket = TICKETS.get(case.path_parameters.get("entry_id"), TICKET)
        case.headers["Authorization"] = f"Bearer {ticket}"
    # Who signs out can do nothing more, so somebody else does.
    if operation == "DELETE /session" and (case.cookies or {}).get("saal_session") == COOKIE:
        other = SIGNED_IN.pop(0) if SIGNED_IN else {"cookie": "nobody", "csrf": CSRF}
        case.cookies["saal_session"], case.headers["X-CSRF-Token"] = other["cookie"], other["csrf"]


def name_of(case):
    return f"{case.method.upper()} {case.path}"


@schemathesis.hook
def after_call(context, case, response):
    operation = name_of(case)
    ANSWERS[operation][response.status_code] += 1
    if (operation, response.status_code) == ("POST /join/{code}", 202):
        answer = response.json()
        TICKETS[answer["entry_id"]] = answer["ticket"]
    if (operation, response.status_code) == ("POST /session", 201):
        cookie = response.headers["set-cookie"][0].split(";")[0].split("=", 1)[1]
        SIGNED_IN.append({"cookie": cookie, "csrf": response.json()["csrf_token"]})


@atexit.register
def write_answers():
    with open(os.environ["CONTRACT_ANSWERS"], "w") as file:
        json.dump(ANSWERS, file)
