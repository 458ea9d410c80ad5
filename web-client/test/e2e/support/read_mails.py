# SPDX-License-Identifier: EUPL-1.2
"""Reads a maildir with Python's own mail parser and the calendars in it with `icalendar`; prints JSON."""

import json
import mailbox
import sys
from email import policy
from email.parser import BytesParser

import icalendar


def read(message):
    mail = BytesParser(policy=policy.default).parsebytes(message.as_bytes())
    parts = {part.get_content_type(): part for part in mail.walk()}
    calendar = icalendar.Calendar.from_ical(parts["text/calendar"].get_payload(decode=True))
    event = next(iter(calendar.walk("VEVENT")))
    return {
        "to": mail["to"],
        "subject": mail["subject"],
        "text": parts["text/plain"].get_content(),
        "html": parts["text/html"].get_content(),
        "method": str(calendar["METHOD"]),
        "problems": [str(error) for error in calendar.errors + event.errors],
        "summary": str(event["SUMMARY"]),
        "rule": event["RRULE"].to_ical().decode(),
        "zones": [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")],
        "start": event.decoded("DTSTART").isoformat(),
    }


mails = mailbox.Maildir(sys.argv[1], create=False)
print(json.dumps([read(mail) for mail in mails]))
