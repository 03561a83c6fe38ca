"""Reading MediaPoster's values: times without a zone, schedules as text, and empty cells. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.utils.dateparse import parse_datetime

Row = Mapping[str, Any]


def instant(value: object, zone: tzinfo) -> datetime | None:
    """Return a time, or a text with one, in UTC: read in this zone when it names none. None: there is no such time."""
    found = _parsed(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def instants(value: object, zone: tzinfo) -> list[datetime] | None:
    """Return a list of times in texts. None: it is no such list, or one of them is no time."""
    if value is None:
        return []
    if isinstance(value, str):
        value = _json(value)
    if not isinstance(value, list):
        return None
    found = [instant(one, zone) for one in value]
    return None if None in found else [one for one in found if one is not None]


def texts(row: Row, *names: str) -> dict[str, str]:
    """Return these cells as texts: an empty one is an empty text here."""
    return {name: row.get(name) or "" for name in names}


def given(row: Row, *names: str) -> dict[str, Any]:
    """Return those of these cells that hold something: the others get what a new row has."""
    return {name: row[name] for name in names if row.get(name) is not None}


def times(row: Row, zone: tzinfo, *names: str) -> dict[str, datetime]:
    """Return those of these cells that hold a time, in UTC."""
    found = {name: instant(row.get(name), zone) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text.strip())
    except ValueError:
        return None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
