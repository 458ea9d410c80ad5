# SPDX-License-Identifier: EUPL-1.2
"""Puts something into every resource, so that made-up requests meet more than empty tables."""

from datetime import datetime, timedelta, timezone

PASSWORD = "correct horse battery"


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


def plant(client):
    """Makes things. Returns the ids of each kind, by the names that paths give them."""
    start = (datetime.now(timezone.utc) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    ids = {"tenant_id": [client.tenant]}
    users = [
        client.post("/users", {"email": f"{role}@example.org", "name": role, "role": role})
        for role in ("tenant_admin", "organizer", "participant")
    ]
    for user in users:
        client.ask("PUT", f"/users/{user['id']}/password", {"password": PASSWORD})
    organizer = {"user_id": users[1]["id"]}
    policies = [
        client.post("/policies", {"name": "open", "rules": {"guests": "link", "lobby": "off", "join_before_host": True}}),
        client.post("/policies", {"name": "lobby", "rules": {"guests": "link", "lobby": "everyone"}}),
    ]
    rooms = [
        client.post("/rooms", {"name": slug, "slug": slug, "owner_id": users[1]["id"], "policy_id": policies[0]["id"]})
        for slug in ("council", "committee")
    ]
    times = {"starts_at": start.isoformat(), "duration_minutes": 45, "time_zone": "Europe/Berlin"}
    invitees = [{"email": "b.beispiel@example.org"}, {"phone_e164": "+4930123456", "name": "C. Beispiel"}]
    common = {"organizer": organizer, "invitees": invitees}
    meetings = [
        client.post("/meetings", {"title": "Once", **times, **common, "external_id": "calendar-1"}),
        client.post("/meetings", {"title": "Daily", **times, **common, "recurrence_rule": "FREQ=DAILY;COUNT=20"}),
        client.post("/meetings", {"title": "Now", "type": "ad_hoc", **common, "policy_id": policies[1]["id"]}),
        client.post("/meetings", {"title": "Always", "type": "permanent", **common, "policy_id": policies[0]["id"]}),
        client.post("/meetings", {"title": "Draft", **times, **common, "status": "draft"}),
    ]
    found = [
        {"meeting_id": meeting["id"], "invitee_id": invitee["id"]}
        for meeting in meetings
        for invitee in client.get(f"/meetings/{meeting['id']}/invitees")["items"]
    ]
    series = meetings[1]["id"]
    occurrences = [
        {"meeting_id": series, "recurrence_id": occurrence["recurrence_id"]}
        for occurrence in client.get(f"/meetings/{series}/occurrences")["items"]
    ]
    client.ask(
        "PATCH",
        f"/meetings/{series}/occurrences/{occurrences[1]['recurrence_id']}",
        {"title": "Another day", "starts_at": (start + timedelta(days=1, hours=2)).isoformat()},
        If_Match="*",
    )
    pins = client.get(f"/meetings/{series}/phone_pins")["items"]
    sessions = [client.post(f"/meetings/{meeting['id']}/sessions") for meeting in meetings[2:4]]
    sessions.append(client.post(f"/rooms/{rooms[0]['id']}/sessions"))
    waiting = join_as_guests(client, meetings[2], 3)
    webhooks = [
        client.post("/webhooks", {"url": f"http://127.0.0.1:9/{name}", "events": ["meeting.created"]})
        for name in ("first", "second")
    ]
    deliveries = [
        {"webhook_id": webhook["id"], "delivery_id": client.post(f"/webhooks/{webhook['id']}/test")["id"]}
        for webhook in webhooks
    ]
    tokens = [client.post("/api_tokens", {"name": "calendar", "scopes": ["meetings:read"]}) for _ in range(3)]
    clients = [client.post("/oauth_clients", {"name": "calendar", "scopes": ["meetings:read"]}) for _ in range(3)]
    exports = [client.post("/exports", {"user_id": user["id"]}) for user in users]
    simple = {
        "user_id": users,
        "policy_id": policies,
        "room_id": rooms,
        "meeting_id": meetings,
        "phone_pin_id": pins,
        "session_id": sessions,
        "webhook_id": webhooks,
        "api_token_id": tokens,
        "oauth_client_id": clients,
        "export_id": exports,
    }
    ids.update({name: [thing["id"] for thing in things] for name, things in simple.items()})
    ids["invitee_id"], ids["recurrence_id"], ids["delivery_id"] = found, occurrences, deliveries
    ids["entry_id"] = waiting
    ids["code"] = [meeting["join_url"].rsplit("/", 1)[1] for meeting in meetings]
    ids["external_id"] = ["calendar-1", "calendar-2"]
    return ids


def join_as_guests(client, meeting, count):
    """Guests who wait in the lobby. Their places there."""
    code = meeting["join_url"].rsplit("/", 1)[1]
    places = []
    for number in range(count):
        answer = client.session.post(f"{client.url}/join/{code}", json={"name": f"Guest {number}"}, timeout=30)
        if answer.status_code != 202:
            raise SystemExit(f"a guest does not wait in the lobby: {answer.status_code} {answer.text}")
        places.append(answer.json()["entry_id"])
    return places
