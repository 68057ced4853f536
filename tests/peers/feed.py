"""Reads a feed from standard input with feedparser and prints what it understood as JSON."""

import json
import sys

import feedparser

parsed = feedparser.parse(sys.stdin.buffer.read())
print(
    json.dumps(
        {
            "bozo": str(parsed.get("bozo_exception", "")) if parsed.bozo else "",
            "version": parsed.version,
            "title": parsed.feed.get("title", ""),
            "updated": parsed.feed.get("updated", ""),
            "links": [[link.get("rel", ""), link.get("href", "")] for link in parsed.feed.get("links", [])],
            "entries": [
                {
                    "id": entry.get("id", ""),
                    "title": entry.get("title", ""),
                    "summary": entry.get("summary", ""),
                    "published": entry.get("published", ""),
                    "links": [
                        [link.get("type", ""), link.get("href", "")]
                        for link in entry.get("links", []) + entry.get("enclosures", [])
                    ],
                    "terms": [tag.get("term", "") for tag in entry.get("tags", [])],
                }
                for entry in parsed.entries
            ],
        }
    )
)
