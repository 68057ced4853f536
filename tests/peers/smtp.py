"""An SMTP sink on aiosmtpd, for tests. One JSON line on standard output for each thing that happens.

smtp.py PORT [--greylist N] [--reject ADDRESS] [--drop N] [--slow N] [--dkim FILE] [--password WORD] [--closed] [--no-sender]
  --greylist N       the first N recipients are asked to come back later (451)
  --reject ADDRESS   this recipient does not exist (550)
  --drop N           the first N messages are taken, and the connection is cut before the answer
  --slow N           the first N messages are answered when one more than that has come
  --dkim FILE        signatures are verified (dkimpy) against the record in this file, whatever name is asked for
  --password WORD    nobody sends without it (530), and another one is refused (535)
  --closed           nobody is let in (554 to EHLO)
  --no-sender        nobody may write from any address (550 to MAIL FROM)
"""

import argparse
import asyncio
import email
import email.policy
import json

import dkim
from aiosmtpd.smtp import SMTP, AuthResult


def say(**line):
    print(json.dumps(line), flush=True)


class Sink:
    def __init__(self, args):
        self.args = args
        self.recipients = 0
        self.messages = 0
        self.enough = asyncio.Event()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if self.args.closed:
            say(shut=hostname)
            return ["554 nobody is let in"]
        session.host_name = hostname
        return responses

    def admits(self, server, session, envelope, mechanism, given):
        is_right = given.password == self.args.password.encode()
        say(admitted=is_right)
        return AuthResult(success=is_right, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.args.no_sender:
            say(sender_refused=address)
            return "550 5.7.1 Sender address rejected: not owned by user sentinela"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.recipients += 1
        if self.recipients <= self.args.greylist:
            say(greylisted=address)
            return "451 4.7.1 come back later"
        if address == self.args.reject:
            say(rejected=address)
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages += 1
        number = self.messages
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
        verified = None
        if self.args.dkim:
            with open(self.args.dkim, "rb") as record:
                text = record.read()
            verified = dkim.verify(envelope.content, dnsfunc=lambda *_, **__: text)
        say(
            dkim=verified,
            signature=str(message["DKIM-Signature"] or ""),
            map=[[part["Content-ID"], len(part.get_content())] for part in pictures],
            to=envelope.rcpt_tos,
            sender=envelope.mail_from,
            subject=message["Subject"],
            id=message["Message-ID"],
            auto=message["Auto-Submitted"],
            unsubscribe=str(message["List-Unsubscribe"] or ""),
            unsubscribe_post=str(message["List-Unsubscribe-Post"] or ""),
            text=message.get_body(("plain",)).get_content(),
            html=message.get_body(("html",)).get_content(),
        )
        if self.messages > self.args.slow:
            self.enough.set()
        elif self.args.slow:
            await self.enough.wait()
        if number <= self.args.drop:
            server.transport.abort()
            return "421 gone"
        return "250 OK"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--greylist", type=int, default=0)
    parser.add_argument("--reject", default="")
    parser.add_argument("--drop", type=int, default=0)
    parser.add_argument("--slow", type=int, default=0)
    parser.add_argument("--dkim", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--closed", action="store_true")
    parser.add_argument("--no-sender", action="store_true")
    args = parser.parse_args()
    sink = Sink(args)
    loop = asyncio.get_running_loop()
    options = {"enable_SMTPUTF8": True}
    if args.password:
        options |= {"authenticator": sink.admits, "auth_required": True, "auth_require_tls": False}
    server = await loop.create_server(lambda: SMTP(sink, **options), "127.0.0.1", args.port)
    say(ready=args.port)
    await server.serve_forever()


asyncio.run(main())
