"""Receives webhooks and verifies them with `standardwebhooks`, as somebody else's program would. One line of JSON a request.

webhook.py PORT [--secret whsec_…]… [--fail N] [--status CODE] [--body TEXT]
--fail: the first N are answered with 503. Without a secret nothing is verified, and the body is told as it came.
"""

import argparse
import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--secret", action="append", default=[])
parser.add_argument("--fail", type=int, default=0)
parser.add_argument("--status", type=int, default=200)
parser.add_argument("--body", default='{"ok":true}')
options = parser.parse_args()
# Each request has its own thread: whoever counts must take the number in one step.
numbers = itertools.count(1)


def verified(secret, body, headers):
    try:
        return Webhook(secret).verify(body, headers) is not None
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        number = next(numbers)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = {
            "path": self.path,
            "id": headers.get("webhook-id"),
            "verified": [verified(secret, body, headers) for secret in options.secret],
            "body": json.loads(body),
        }
        # One write a line: several are told at once.
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        answer = options.body.encode()
        self.send_response(503 if number <= options.fail else options.status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
print("ready", flush=True)
sys.stdout.flush()
server.serve_forever()
