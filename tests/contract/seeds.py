# SPDX-License-Identifier: EUPL-1.2
"""Puts something into every resource, so that made-up requests meet more than empty tables; and enough of what can be
used once, such as what is to be deleted."""

import base64
import json
from datetime import datetime, timedelta, timezone

import requests

PASSWORD = "correct horse battery"

# How often something that is used up can be done.
TIMES = 5


class Client:
    """Asks a server, with a token."""

    def __init__(self, session, url, token, tenant):
        self.session, self.url, self.tenant = session, url + "/api/v1", tenant
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method, path, body=None, **headers):
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.session.request(
            method, self.url + path, json=body, params={"tenant_id": self.tenant}, headers=headers, timeout=30
        )
        if not answer.ok:
            raise SystemExit(f"{method} {path} is answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body=None):
        return self.ask("POST", path, body)

    def items(self, path):
        return self.get(path)["items"]

    def items_of_all(self, path):
        """Also those of the installation."""
        return self.session.get(self.url + path, headers=self.headers, timeout=30).json()["items"]

    def several(self, path, body, count=TIMES):
        """Makes several of a kind. Where they need names of their own, `body` is a function of their number."""
        return [self.post(path, body(number) if callable(body) else body) for number in range(count)]

    def stranger(self, path, body):
        """What somebody gets in a browser of their own."""
        answer = requests.post(self.url + path, json=body, timeout=30)
        if not answer.ok:
            raise SystemExit(f"POST {path} is answered {answer.status_code}: {answer.text}")
        return answer

    def join(self, meeting, count):
        """Guests who come by a meeting's link, and what they are told."""
        path = f"/join/{code_of(meeting)}"
        return [self.stranger(path, {"name": f"Guest {number}"}).json() for number in range(count)]


class Garden:
    """What has been planted.

    `things` are there for any number of requests: for an operation, for a path or for a parameter of paths. `spare` is
    used up, each by one request. `bodies` are what those of an operation have to say; `own` is what must stay as it is.
    """

    def __init__(self, client, rows):
        self.client, self.rows = client, rows
        self.start = (datetime.now(timezone.utc) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
        self.things, self.spare, self.bodies = {}, {}, {}
        self.tickets, self.own = {}, {"b.beispiel@example.org", "+4930123456"}

    def as_json(self):
        ids = {value for whole in self.things.values() for thing in whole for value in thing.values()}
        planted = {name: getattr(self, name) for name in ("things", "spare", "bodies", "tickets")}
        return {**planted, "own": sorted(self.own), "kept": sorted(ids)}

    def keep(self, name, made):
        self.things[name] = [{name: thing["id"]} for thing in made]

    def lose(self, operation, name, made):
        self.spare[operation] = [{"path": {name: thing["id"]}} for thing in made]

    def plant(self, role):
        """All of it. `role` is that of whose browser is asked with."""
        self.accounts(role)
        self.policies_and_rooms()
        self.meetings()
        self.parts_of_meetings()
        self.runs()
        self.lobbies()
        self.software()
        self.telephones()
        self.tenants()

    def accounts(self, role):
        def account(name, role):
            return lambda number: {"email": f"{name}-{number}@example.org", "name": name, "role": role}

        client = self.client
        [self.person] = client.several("/users", account("person", role), 1)
        [self.visitor] = client.several("/users", account("visitor", "participant"), 1)
        for user in (self.person, self.visitor):
            client.ask("PUT", f"/users/{user['id']}/password", {"password": PASSWORD})
            self.own |= {user["id"], user["email"]}
        others = client.several("/users", account("organizer", "organizer"), 3)
        self.own |= {user["email"] for user in others}
        self.owner = others[0]["id"]
        self.keep("user_id", others)
        self.lose("DELETE /users/{user_id}", "user_id", client.several("/users", account("leaver", "participant")))
        erased = client.several("/users", account("erased", "participant"))
        self.spare["POST /erasures"] = [{"body": {"user_id": user["id"], "meetings": "cancel"}} for user in erased]
        self.bodies["POST /session"] = {"email": self.visitor["email"], "password": PASSWORD}
        self.bodies["PUT /users/me/password"] = {"current_password": PASSWORD, "new_password": PASSWORD}
        self.keep("export_id", client.several("/exports", {"user_id": self.owner}, 2))
        self.bodies["POST /exports"] = {"user_id": self.owner}

    def policies_and_rooms(self):
        client = self.client
        rules = {"guests": "link", "lobby": "off", "join_before_host": True}
        self.open = client.post("/policies", {"name": "open", "rules": rules})["id"]
        self.lobby = client.post("/policies", {"name": "lobby", "rules": {"guests": "link", "lobby": "everyone"}})["id"]
        self.keep("policy_id", client.several("/policies", lambda number: {"name": f"Other {number}"}, 3))
        spare = client.several("/policies", lambda number: {"name": f"Spare {number}"})
        self.lose("DELETE /policies/{policy_id}", "policy_id", spare)

        def room(name):
            return lambda number: {"name": name, "slug": f"{name}-{number}", "owner_id": self.owner}

        rooms = client.several("/rooms", room("council"), 3)
        self.keep("room_id", rooms)
        self.lose("DELETE /rooms/{room_id}", "room_id", client.several("/rooms", room("spare")))
        # Software has to say whose a room is.
        self.bodies["POST /rooms"] = self.bodies["PUT /rooms/{room_id}"] = {"owner_id": self.owner}
        self.own |= {self.open, self.lobby}

    def meeting(self, title, **others):
        """A meeting's body: at a time unless it is said to be at none."""
        times = {"starts_at": self.start.isoformat(), "duration_minutes": 45, "time_zone": "Europe/Berlin"}
        return {"title": title, "organizer": {"user_id": self.owner}, **({} if "type" in others else times), **others}

    def meetings(self):
        client = self.client
        invitees = [{"email": "b.beispiel@example.org"}, {"phone_e164": "+4930123456", "name": "C. Beispiel"}]
        meetings = [
            client.post("/meetings", self.meeting("Once", invitees=invitees, external_id="calendar-1")),
            client.post("/meetings", self.meeting("Weekly", recurrence_rule="FREQ=DAILY;INTERVAL=7;COUNT=9")),
            client.post("/meetings", self.meeting("Always", type="permanent")),
            client.post("/meetings", self.meeting("Draft", status="draft")),
        ]
        self.keep("meeting_id", meetings)
        self.lose("DELETE /meetings/{meeting_id}", "meeting_id", client.several("/meetings", self.meeting("Spare")))
        self.things["external_id"] = [{"external_id": "calendar-1"}, {"external_id": "calendar-2"}]
        own = client.post("/meetings", self.meeting("Own", invitees=[{"user_id": self.person["id"]}]))
        self.things["/meetings/{meeting_id}/response"] = [{"meeting_id": own["id"]}]

    def parts_of_meetings(self):
        """Of meetings that no request changes, so that these stay."""
        client = self.client
        invitees = [{"email": f"invited-{number}@example.org"} for number in range(2 * TIMES)]
        self.own |= {invitee["email"] for invitee in invitees}
        meeting = client.post("/meetings", self.meeting("Invitation", invitees=invitees))
        at = {"meeting_id": meeting["id"]}
        listed = client.items(f"/meetings/{meeting['id']}/invitees")
        invited = [{**at, "invitee_id": invitee["id"]} for invitee in listed]
        of_invitee = "/meetings/{meeting_id}/invitees/{invitee_id}"
        self.things["invitee_id"] = invited[TIMES:]
        self.spare[f"DELETE {of_invitee}"] = [{"path": path} for path in invited[:TIMES]]
        for part in ("invitees", "invitation", "invitation.ics", "deliveries", "phone_pins"):
            self.things[f"/meetings/{{meeting_id}}/{part}"] = [at]
        self.keep("phone_pin_id", client.items(f"/meetings/{meeting['id']}/phone_pins"))

        series = client.post("/meetings", self.meeting("Daily", recurrence_rule=f"FREQ=DAILY;COUNT={2 * TIMES}"))
        at = {"meeting_id": series["id"]}
        times = [time["recurrence_id"] for time in client.items(f"/meetings/{series['id']}/occurrences")]
        of_time = "/meetings/{meeting_id}/occurrences/{recurrence_id}"
        self.things["/meetings/{meeting_id}/occurrences"] = [at]
        self.things["recurrence_id"] = [{**at, "recurrence_id": time} for time in times[TIMES:]]
        self.spare[f"DELETE {of_time}"] = [{"path": {**at, "recurrence_id": time}} for time in times[:TIMES]]

        # A meeting has all its PINs from the beginning.
        without = client.several("/meetings", self.meeting("Without PIN"))
        ids = ", ".join(f"'{meeting['id']}'" for meeting in without)
        self.rows.execute(f"DELETE FROM phone_pins WHERE kind = 'host' AND meeting_id IN ({ids})")
        path = "POST /meetings/{meeting_id}/phone_pins"
        self.spare[path] = [{"path": {"meeting_id": meeting["id"]}, "body": {"kind": "host"}} for meeting in without]

    def runs(self):
        """Meetings that go on, and people who were let into them."""
        client = self.client

        def open_all(meetings):
            return [client.post(f"/meetings/{meeting['id']}/sessions") for meeting in meetings]

        self.keep("session_id", open_all(client.several("/meetings", self.meeting("Now", type="ad_hoc"), 3)))
        spare = open_all(client.several("/meetings", self.meeting("Until then", type="ad_hoc")))
        self.lose("POST /meeting_sessions/{session_id}/end", "session_id", spare)
        unopened = client.several("/meetings", self.meeting("Soon", type="ad_hoc"), 2)
        self.things["/meetings/{meeting_id}/sessions"] = [{"meeting_id": meeting["id"]} for meeting in unopened]

        public = client.several("/meetings", self.meeting("Public", type="permanent", policy_id=self.open), 2)
        self.things["code"] = [{"code": code_of(public[0])}]
        # Whoever says no name is not let in.
        self.bodies["POST /join/{code}"] = {"name": "E. Gast"}
        people = client.join(public[1], TIMES + 1)
        at = {"session_id": people[0]["session_id"]}
        identities = [identity_in(person["token"]) for person in people]
        action = "/meeting_sessions/{session_id}"
        self.things[f"{action}/remove"], self.bodies[f"POST {action}/remove"] = [at], {"identity": identities.pop()}
        for identity in identities:
            client.post(f"/meeting_sessions/{at['session_id']}/remove", {"identity": identity, "ban": True})
        bans = client.get(f"/meeting_sessions/{at['session_id']}")["bans"]
        self.spare[f"POST {action}/unban"] = [{"path": at, "body": {"ban_id": ban["id"]}} for ban in bans]

    def lobbies(self):
        """People who wait: some who ask how it stands, some who leave, and some who are decided on."""
        client = self.client
        waited_for = client.several("/meetings", self.meeting("Lobby", type="ad_hoc", policy_id=self.lobby), 3)
        counts = (2, TIMES, 2 * TIMES)
        staying, leaving, decided = (client.join(meeting, count) for meeting, count in zip(waited_for, counts))
        self.tickets = {place["entry_id"]: place["ticket"] for place in [*staying, *leaving]}
        self.things["/lobby/{entry_id}"] = [{"entry_id": place["entry_id"]} for place in staying]
        self.spare["DELETE /lobby/{entry_id}"] = [{"path": {"entry_id": place["entry_id"]}} for place in leaving]
        self.things["code"].append({"code": code_of(waited_for[2])})
        at = {"session_id": client.post(f"/meetings/{waited_for[2]['id']}/sessions")["id"]}
        for index, action in enumerate(("admit", "deny")):
            places = decided[index::2]
            operation = f"POST /meeting_sessions/{{session_id}}/{action}"
            self.spare[operation] = [{"path": at, "body": {"entry_id": place["entry_id"]}} for place in places]

    def software(self):
        client = self.client

        def webhook(number):
            return {"url": f"http://127.0.0.1:9/hook-{number}", "events": ["meeting.created"]}

        # Those of which only the messages matter stay active.
        told, *changed = client.several("/webhooks", webhook, 3)
        message = client.post(f"/webhooks/{told['id']}/test")["id"]
        at = {"webhook_id": told["id"]}
        self.keep("webhook_id", changed)
        self.things["/webhooks/{webhook_id}/test"] = self.things["/webhooks/{webhook_id}/deliveries"] = [at]
        self.things["delivery_id"] = [{**at, "delivery_id": message}]
        self.lose("DELETE /webhooks/{webhook_id}", "webhook_id", client.several("/webhooks", webhook))
        client_of = {"name": "calendar", "scopes": ["meetings:read"]}
        for name, path in (("api_token_id", "/api_tokens"), ("oauth_client_id", "/oauth_clients")):
            self.own |= {thing["id"] for thing in client.items_of_all(path)}
            self.keep(name, client.several(path, client_of, 2))
            self.lose(f"DELETE {path}/{{{name}}}", name, client.several(path, client_of))
        known = client.post("/oauth_clients", client_of)
        self.own.add(known["id"])
        credentials = {"client_id": known["id"], "client_secret": known["client_secret"]}
        self.bodies["POST /oauth/token"] = {"grant_type": "client_credentials", **credentials}

    def telephones(self):
        client = self.client

        def trunk(name, network):
            # Networks that nothing else has (RFC 5737), so that nobody calls from there.
            return lambda number: {"id": f"{name}-{number}", "name": name, "networks": [f"{network}.{number}"]}

        def number(name, area):
            return lambda number: {"number": f"+4930{area}{number}", "name": name}

        self.keep("trunk_id", client.several("/phone/trunks", trunk("kept", "192.0.2"), 3))
        spare = client.several("/phone/trunks", trunk("spare", "198.51.100"))
        self.lose("DELETE /phone/trunks/{trunk_id}", "trunk_id", spare)
        self.keep("number_id", client.several("/phone/numbers", number("kept", 9001), 3))
        spare = client.several("/phone/numbers", number("spare", 9002))
        self.lose("DELETE /phone/numbers/{number_id}", "number_id", spare)

    def tenants(self):
        def tenant(name):
            return lambda number: {"name": name, "slug": f"{name}-{number}"}

        self.keep("tenant_id", self.client.several("/tenants", tenant("other"), 2))
        self.lose("DELETE /tenants/{tenant_id}", "tenant_id", self.client.several("/tenants", tenant("spare")))
        self.own.add(self.client.tenant)


def code_of(meeting):
    """What stands at the end of its link."""
    return meeting["join_url"].rsplit("/", 1)[1]


def identity_in(token):
    """Whom a room token names (RFC 7519 §4.1.2)."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
