"""Half of the well-formed identifiers that schemathesis makes up become ones that exist, so that handlers are reached.

SEEDED_IDS holds the ids of an alert, a draft and an incident; SEEDED_CODES codes of areas, stations and devices.
"""

import os
import re
import uuid
import zlib

import schemathesis

IDS = os.environ.get("SEEDED_IDS", "").split()
CODES = os.environ.get("SEEDED_CODES", "").split()


def existing(name, value):
    """The same value always becomes the same one, so that a run can be repeated."""
    if not isinstance(value, str):
        return value
    choice = zlib.crc32(value.encode("utf-8", "surrogatepass"))
    if choice % 2:
        return value
    if name == "id":
        try:
            uuid.UUID(value)
        except ValueError:
            return value
        return IDS[choice // 2 % len(IDS)] if IDS else value
    if name == "code" and re.fullmatch(r"[\w.:-]{1,64}", value, re.ASCII):
        return CODES[choice // 2 % len(CODES)] if CODES else value
    return value


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return {name: existing(name, value) for name, value in (path_parameters or {}).items()}
