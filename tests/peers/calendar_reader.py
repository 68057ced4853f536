"""Reads an iCalendar stream from standard input with `icalendar`, strictly, and prints what it understood as JSON."""

import json
import sys

from icalendar import Calendar

calendar = Calendar.from_ical(sys.stdin.buffer.read())
assert not calendar.errors, calendar.errors


def read(event):
    assert not event.errors, event.errors
    for name in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "SUMMARY"):
        assert name in event, f"{name} is missing"
    return {
        "uid": str(event["UID"]),
        "stamp": event["DTSTAMP"].dt.isoformat(),
        "start": event["DTSTART"].dt.isoformat(),
        "end": event["DTEND"].dt.isoformat(),
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "summary": str(event["SUMMARY"]),
        "description": str(event.get("DESCRIPTION", "")),
        "url": str(event.get("URL", "")),
    }


assert str(calendar["VERSION"]) == "2.0" and calendar["PRODID"]
events = [read(event) for event in calendar.walk("VEVENT")]
json.dump({"method": str(calendar["METHOD"]), "events": events}, sys.stdout)
