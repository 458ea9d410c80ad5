# SPDX-License-Identifier: EUPL-1.2
"""An SMTP server that keeps what it receives: the first line on standard output is its port, each further one a mail, as
JSON. A line on standard input is what it answers from then on, such as `451 later`; `hold` lets the next mail wait.
`sender 550 blocked` is what it answers from then on to who sends.
It knows nobody whose address begins with `nobody`, and takes mails to those that begin with `grey` at the second try.

Its argument is JSON: `port`; `certificate` and `key` for STARTTLS, or for TLS from the beginning with `is_wrapped`; `login`,
a name and a password without which nobody may send."""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from icalendar import Calendar


class Keeper:
    def __init__(self):
        self.answer = "250 OK"
        self.answer_to_sender = "250 OK"
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.seen = set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.answer_to_sender.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.answer_to_sender

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such person"
        if address.startswith("grey") and address not in self.seen:
            self.seen.add(address)
            return "451 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await self.go_on.wait()
        if self.answer.startswith("250"):
            print(json.dumps(described(envelope, session)), flush=True)
        return self.answer

    async def listen(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := (await reader.readline()).decode().strip():
            if line == "hold":
                self.go_on.clear()
            elif line.startswith("sender "):
                self.answer_to_sender = line.removeprefix("sender ")
            else:
                self.answer = line
                self.go_on.set()
            print(json.dumps({"now": line}), flush=True)


def described(envelope, session):
    """What another reader of mails makes of it."""
    raw = envelope.content
    mail = message_from_bytes(raw, policy=default)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    calendars = [part for part in parts if part.get_content_type() == "text/calendar"]
    calendar = calendars[0].get_content() if calendars else None
    if isinstance(calendar, bytes):
        calendar = calendar.decode()
    if calendar:
        Calendar.from_ical(calendar)
    return {
        "envelope_from": envelope.mail_from,
        "envelope_to": envelope.rcpt_tos,
        "is_tls": session.ssl is not None or options.get("is_wrapped", False),
        "is_authenticated": session.authenticated,
        "headers": {name.lower(): str(value) for name, value in mail.items()},
        "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        "kinds": [part.get_content_type() for part in parts],
        "method": calendars[0].get_param("method") if calendars else None,
        "text": mail.get_body(("plain",)).get_content(),
        "html": mail.get_body(("html",)).get_content() if mail.get_body(("html",)) else None,
        "calendar": calendar,
        "attachment": next(
            (part.get_content().decode() for part in mail.iter_attachments() if part.get_content_type() == "application/ics"),
            None,
        ),
    }


def authenticated(server, session, envelope, mechanism, given):
    wanted = LoginPassword(*(text.encode() for text in options["login"]))
    # Not handled: the answer is the server's to send.
    return AuthResult(success=isinstance(given, LoginPassword) and given == wanted, handled=False)


async def main():
    keeper = Keeper()
    context = None
    if "certificate" in options:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"], options["key"])
    is_wrapped = options.get("is_wrapped", False)
    settings = {"enable_SMTPUTF8": True}
    if context and not is_wrapped:
        settings |= {"tls_context": context, "require_starttls": True}
    if "login" in options:
        settings |= {"authenticator": authenticated, "auth_required": True, "auth_require_tls": not is_wrapped}

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, **settings), "127.0.0.1", options.get("port", 0), ssl=context if is_wrapped else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await keeper.listen()


options = json.loads(sys.argv[1])
asyncio.run(main())
