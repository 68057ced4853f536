"""An SMTP sink on aiosmtpd, for tests. One JSON line on standard output for each thing that happens.

smtp.py PORT [--greylist N] [--reject ADDRESS] [--drop N]
  --greylist N       the first N recipients are asked to come back later (451)
  --reject ADDRESS   this recipient does not exist (550)
  --drop N           the first N messages are taken, and the connection is cut before the answer
"""

import argparse
import asyncio
import email
import email.policy
import json

from aiosmtpd.smtp import SMTP


def say(**line):
    print(json.dumps(line), flush=True)


class Sink:
    def __init__(self, args):
        self.args = args
        self.recipients = 0
        self.messages = 0

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
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(
            to=envelope.rcpt_tos,
            sender=envelope.mail_from,
            subject=message["Subject"],
            id=message["Message-ID"],
            auto=message["Auto-Submitted"],
            text=message.get_body(("plain",)).get_content(),
            html=message.get_body(("html",)).get_content(),
        )
        if self.messages <= self.args.drop:
            server.transport.abort()
            return "421 gone"
        return "250 OK"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--greylist", type=int, default=0)
    parser.add_argument("--reject", default="")
    parser.add_argument("--drop", type=int, default=0)
    args = parser.parse_args()
    sink = Sink(args)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True), "127.0.0.1", args.port)
    say(ready=args.port)
    await server.serve_forever()


asyncio.run(main())
