# SPDX-License-Identifier: EUPL-1.2
"""What makes a made-up request one that succeeds: things that are there instead of made-up ones, and values that agree
with each other where a schema cannot say so."""

import copy
import re
import uuid
from itertools import count

import requests

# What made-up values never fit: a span of time.
QUERIES = {
    "GET /availability": {"from": "2030-03-04T08:00:00Z", "to": "2030-03-04T09:00:00Z"},
    "GET /occurrences": {"starts_after": "2030-03-04T08:00:00Z", "starts_before": "2030-04-04T08:00:00Z"},
}

# Where somebody must have an address who has no account.
INVITEE = "PUT /meetings/{meeting_id}/invitees/{invitee_id}"

# What of a body names something that is nowhere. Without it, everybody is meant, or everything.
LEFT_OUT = {
    "POST /exports": ["email", "phone_e164"],
    "POST /join/{code}": ["invitation"],
    "POST /session": ["tenant"],
    "POST /meeting_sessions/{session_id}/admit": ["entry_id"],
    "POST /meeting_sessions/{session_id}/deny": ["entry_id"],
    "POST /meeting_sessions/{session_id}/lower_hand": ["identity"],
    "POST /meeting_sessions/{session_id}/mute": ["identity"],
    # Whoever has that account may be invited already.
    INVITEE: ["user_id"],
    "PATCH /meetings/{meeting_id}/invitees/{invitee_id}": ["user_id"],
    "POST /oauth/token": ["scope"],
    "POST /api_tokens": ["expires_at", "allowed_networks"],
    "POST /oauth_clients": ["expires_at", "allowed_networks"],
    # New tenants have no policies.
    "POST /tenants": ["default_policy_id"],
    "PUT /tenants/{tenant_id}": ["default_policy_id"],
    "PATCH /tenants/{tenant_id}": ["default_policy_id"],
    "PUT /meetings/by_external_id/{external_id}": ["external_id"],
    # An id never changes, and one that is made up may be taken. Calls need somewhere to go.
    "POST /phone/trunks": ["id", "outgoing"],
    "PUT /phone/trunks/{trunk_id}": ["id", "outgoing"],
    "PATCH /phone/trunks/{trunk_id}": ["id", "outgoing"],
    "POST /phone/numbers": ["trunk_id", "tenants", "direct"],
    "PUT /phone/numbers/{number_id}": ["trunk_id", "tenants", "direct"],
    "PATCH /phone/numbers/{number_id}": ["trunk_id", "tenants", "direct"],
}

# What refers to something, wherever it stands in a body, and to what.
REFERENCES = {
    "user_id": "user_id",
    "owner_id": "user_id",
    "hand_over_to": "user_id",
    "policy_id": "policy_id",
    "room_id": "room_id",
}

# What is good of what the schema takes, wherever it stands.
GOOD_VALUES = {"e2ee": "off", "time_zone": "Europe/Berlin"}

# When meetings are, if they are at a time.
TIMES = {"starts_at": "2030-03-04T08:00:00Z", "duration_minutes": 45, "time_zone": "Europe/Berlin"}
ABOUT_TIMES = [*TIMES, "ends_at", "recurrence_rule", "excluded_dates"]

# Takes away what is named, so that nothing else can be done with it.
DESTROYING = ("DELETE ", "POST /erasures", "POST /meeting_sessions/{session_id}/end")


class Fitting:
    """What has been planted (see `seeds.py`), and how requests are made to be about it."""

    def __init__(self, planted, url, token, dice):
        self.things, self.spare, self.bodies = planted["things"], planted["spare"], planted["bodies"]
        self.own, self.kept = set(planted["own"]), set(planted["own"] + planted["kept"])
        self.url, self.dice, self.numbers = url, dice, count(1)
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def name_things(self, case, operation, is_example):
        """Has the path name what is there. What can be used once is taken from what is spare, with the body for it."""
        if operation in self.spare:
            if self.spare[operation]:
                taken = self.spare[operation].pop(0)
                case.path_parameters = {**(case.path_parameters or {}), **taken.get("path", {})}
                if "body" in taken and not is_negative(case, "body"):
                    case.body = taken["body"]
            return
        choices = self.things.get(operation) or self.things.get(case.path)
        # What stands last brings the ids of what it is part of.
        names = [name for name in names_in(case.path) if name in self.things]
        for whole in [choices] if choices else [self.things[name] for name in names]:
            # The first is the one with which everything works.
            thing = whole[0] if is_example else self.dice.choice(whole)
            case.path_parameters = {**case.path_parameters, **thing}

    def spare_what_is_kept(self, case, operation):
        """Requests that are still to come need it: what would change the caller, or destroy what others are about, is about
        something that is not there."""
        destroys = operation.startswith(DESTROYING)
        spared = self.kept if destroys else set() if operation.startswith("GET ") else self.own
        # What stands last is what it is done to.
        for name in names_in(case.path)[-1:]:
            if (case.path_parameters or {}).get(name) in spared:
                case.path_parameters[name] = str(uuid.UUID(int=self.dice.getrandbits(128)))
        named = case.body.values() if destroys and isinstance(case.body, dict) else []
        if any(str(value) in spared for value in named):
            case.body = {"email": f"nobody-{next(self.numbers)}@example.org", "meetings": "cancel"}

    def agree_query(self, case, operation, tenant, is_example):
        made_up = {} if is_example else case.query or {}
        case.query = {**made_up, **QUERIES.get(operation, {})}
        # Software of the installation says whose things it is about; of others there are none.
        case.query.pop("tenant_id", None)
        if tenant:
            case.query["tenant_id"] = (case.path_parameters or {}).get("tenant_id", tenant)

    def agree_head(self, case):
        """Shows the revision that is there, or that any will do; asks neither for news alone nor for what was answered
        before."""
        declared = {parameter["name"] for parameter in case.operation.definition.raw.get("parameters", [])}
        case.headers = case.headers or {}
        for name in declared & {"If-None-Match", "Idempotency-Key", "Saal-Invitation"}:
            case.headers.pop(name, None)
        if "If-Match" in declared:
            case.headers["If-Match"] = self.revision(case) if self.dice.randrange(2) else "*"

    def revision(self, case):
        answer = self.session.get(self.url + case.formatted_path, timeout=30)
        return answer.headers.get("ETag", "*")

    def agree_body(self, case, operation):
        body = copy.deepcopy(case.body)
        number = next(self.numbers)
        self.refer(body)
        if operation.startswith(("POST /meetings", "PUT /meetings")):
            for meeting in [body, *body.get("meetings", [])]:
                if "title" in meeting:
                    schedule(meeting, number)
        for name, value in {
            "slug": f"made-{number}",
            "oidc_claim_value": f"made-{number}",
            "email": f"made-{number}@example.org",
            "url": f"http://127.0.0.1:9/{number}",
        }.items():
            if body.get(name) is not None:
                body[name] = value
        if "/policies" in operation and "name" in body:
            body["name"] = f"Policy {number}"
        if "/phone/numbers" in operation and "number" in body:
            body["number"] = f"+4940{number:07}"
        for name in LEFT_OUT.get(operation, []):
            body.pop(name, None)
        if operation == INVITEE:
            body["email"] = f"made-{number}@example.org"
        case.body = {**body, **self.bodies.get(operation, {})}

    def refer(self, value):
        if isinstance(value, list):
            for item in value:
                self.refer(item)
        elif isinstance(value, dict):
            for name, inner in value.items():
                kind = REFERENCES.get(name)
                if inner is None or name in GOOD_VALUES:
                    value[name] = GOOD_VALUES.get(name)
                elif kind:
                    value[name] = self.dice.choice(self.things[kind])[kind]
                else:
                    self.refer(inner)
            # An account has an address of its own.
            if value.get("user_id"):
                value.pop("email", None)


def names_in(path):
    """The parameters of a path, in their order."""
    return re.findall(r"{(\w+)}", path)


def schedule(meeting, number):
    """A meeting at a time that is to come, if it is at any."""
    repeats = meeting.get("recurrence_rule") is not None
    for name in ABOUT_TIMES:
        meeting.pop(name, None)
    if meeting.get("type") not in ("ad_hoc", "permanent"):
        meeting.pop("type", None)
        meeting.update(TIMES)
        if repeats:
            meeting["recurrence_rule"] = "FREQ=DAILY;COUNT=5"
    if meeting.get("external_id") is not None:
        meeting["external_id"] = f"made-{number}"


def is_negative(case, location):
    """Whether that part of it is made to be wrong."""
    components = case.meta.components if case.meta else {}
    parts = [part for place, part in components.items() if place.value.startswith(location)]
    return any(part.mode.value == "negative" for part in parts)
