# SPDX-License-Identifier: EUPL-1.2
"""What another reader makes of a calendar: the calendar on standard input, from and until when as arguments; on standard
output JSON. It works out the times from the rules of the time zone that stand in the calendar itself."""

import json
import re
import sys
from datetime import datetime, timezone

import recurring_ical_events
from icalendar import Calendar

# Under names that nobody knows, so that the rules in the calendar count and not those of a database.
calendar = Calendar.from_ical(re.sub(rb"TZID([:=])", rb"TZID\1Own-", sys.stdin.buffer.read()))
first, last = (datetime.fromisoformat(text) for text in sys.argv[1:3])


def utc(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def people(event, name):
    found = event.get(name, [])
    found = found if isinstance(found, list) else [found]
    return [{"address": str(one), **{key.lower(): str(value) for key, value in one.params.items()}} for one in found]


def conferences(event):
    found = event.get("CONFERENCE", [])
    found = found if isinstance(found, list) else [found]
    return [{"uri": str(one), "feature": one.params.get("FEATURE"), "label": one.params.get("LABEL")} for one in found]


events = calendar.walk("VEVENT")
print(
    json.dumps(
        {
            "method": str(calendar["METHOD"]),
            "errors": [str(error) for part in calendar.walk() for error in part.errors],
            "zones": [str(zone["TZID"]).removeprefix("Own-") for zone in calendar.walk("VTIMEZONE")],
            "events": [
                {
                    "uid": str(event["UID"]),
                    "sequence": int(event["SEQUENCE"]),
                    "status": str(event["STATUS"]),
                    "summary": str(event["SUMMARY"]),
                    "description": str(event.get("DESCRIPTION", "")),
                    "rule": event["RRULE"].to_ical().decode() if "RRULE" in event else None,
                    "recurrence_id": utc(event["RECURRENCE-ID"].dt) if "RECURRENCE-ID" in event else None,
                    "start": utc(event["DTSTART"].dt),
                    "conferences": conferences(event),
                    "organizer": people(event, "ORGANIZER")[0],
                    "attendees": people(event, "ATTENDEE"),
                }
                for event in events
            ],
            "times": [
                {"start": utc(one["DTSTART"].dt), "end": utc(one["DTEND"].dt), "summary": str(one["SUMMARY"])}
                for one in sorted(
                    recurring_ical_events.of(calendar).between(first, last), key=lambda one: utc(one["DTSTART"].dt)
                )
            ],
        }
    )
)
