"""Half of the well-formed identifiers that schemathesis makes up become ones that exist, so that handlers are reached.

SEEDED_ALERTS, SEEDED_INCIDENTS and SEEDED_TOKENS hold ids, SEEDED_CODES codes of areas, stations and devices, SEEDED_PEOPLE
user names. PROTECTED names whoever asks, and their token: what was read of them is never used, or one answer would end the
run for all that come after.
"""

import datetime
import os
import re
import uuid
import zlib

import schemathesis


def seeded(name):
    return os.environ.get("SEEDED_" + name, "").split()


CODES = seeded("CODES")
PEOPLE = seeded("PEOPLE")
IDS = {"alerts": seeded("ALERTS"), "incidents": seeded("INCIDENTS"), "tokens": seeded("TOKENS")}
PROTECTED = set(os.environ.get("PROTECTED", "").split())
EVERY_ID = [one for ids in IDS.values() for one in ids]


def is_uuid(value):
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def existing(kind, name, value):
    """The same value always becomes the same one, so that a run can be repeated."""
    if not isinstance(value, str):
        return value
    choice = zlib.crc32(value.encode("utf-8", "surrogatepass"))
    if choice % 2:
        return value
    known = []
    if name == "id" and is_uuid(value):
        # Now and then the id of something of another kind.
        known = EVERY_ID if choice % 16 == 0 else IDS.get(kind, [])
    elif name == "code" and re.fullmatch(r"[\w.:-]{1,64}", value, re.ASCII):
        known = CODES
    elif name == "username" and value and value.isprintable() and "/" not in value:
        known = PEOPLE
    return known[choice // 16 % len(known)] if known else value


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "application/pdf")
def as_it_is(context, value):
    """Lines and files are sent as they were made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    parts = context.operation.path.split("/")
    # What stands outside the API has no resource in its address.
    kind = parts[3] if len(parts) > 3 else ""
    return {name: existing(kind, name, value) for name, value in (path_parameters or {}).items()}


def harmless(value):
    return "00000000-0000-4000-8000-000000000000" if isinstance(value, str) and value in PROTECTED else value


def fresh(reading):
    """The document's example is of some day; the service takes readings of this year."""
    if isinstance(reading, dict) and reading.get("at") == "2022-02-15T19:10:00Z":
        return reading | {"at": datetime.datetime.now(datetime.UTC).isoformat()}
    return reading


@schemathesis.hook
def before_call(context, case, **kwargs):
    case.path_parameters = {name: harmless(value) for name, value in (case.path_parameters or {}).items()}
    if isinstance(case.body, dict):
        # A token of the same name would replace the one that asks.
        case.body = {name: harmless(value) for name, value in case.body.items()}
        if isinstance(case.body.get("readings"), list):
            case.body["readings"] = [fresh(reading) for reading in case.body["readings"]]
