"""Points in time."""

import re

from .reading import is_number

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):(\d\d)))?", re.ASCII
)
RELATIVE = re.compile(r"([+-])(\d{1,6})([smhdw])", re.ASCII)
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def days_before_year(year):
    """Days from 0000-01-01 to the first of January of `year`, in the proleptic Gregorian calendar."""
    leaps = (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    return 365 * year + leaps


def month_lengths(year):
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return [31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def iso_ms(text):
    """None for what is no ISO 8601 date, or date and time with a zone."""
    found = ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction, sign, zone_hour, zone_minute = found.groups()[6:]
    if not 1 <= month <= 12 or not 1 <= day <= month_lengths(year)[month - 1]:
        return None
    zone_hour, zone_minute = int(zone_hour or 0), int(zone_minute or 0)
    if hour > 23 or minute > 59 or second > 59 or zone_hour > 23 or zone_minute > 59:
        return None
    days = days_before_year(year) + sum(month_lengths(year)[: month - 1]) + day - 1 - days_before_year(1970)
    minutes = hour * 60 + minute - (zone_hour * 60 + zone_minute) * (-1 if sign == "-" else 1)
    millis = int((fraction or "0")[:3].ljust(3, "0"))
    return days * 86_400_000 + minutes * 60_000 + second * 1000 + millis


def point_ms(value):
    """Of a number or a text; None for anything else."""
    if is_number(value):
        return value
    return iso_ms(value) if isinstance(value, str) else None


def relative_ms(value):
    """How far from now; None for what is no relative point in time."""
    found = RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    sign, digits, unit = found.groups()
    return int(digits) * UNIT_MS[unit] * (-1 if sign == "-" else 1)
