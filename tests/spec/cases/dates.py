"""Points in time: of a flag, of before and after, and of attributes."""

from .base import NO, NOW_MS, PARSE_ERROR, YES, one, ruled, shown, test

# Text, and its milliseconds, as any calendar tells.
POINTS = [
    ("1970-01-01", 0), ("1970-01-01T00:00Z", 0), ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("1970-01-01T00:00:00.1Z", 100),
    ("1970-01-01T00:00:00.0009Z", 0), ("1970-01-01T00:00:00.123456789Z", 123), ("1969-12-31T23:59:59.999Z", -1), ("1969-12-31T23:59:59.9999Z", -1),
    ("1970-01-01T02:00+02:00", 0), ("1969-12-31T18:30:00-05:30", 0), ("1970-01-01T00:00:00+00:00", 0), ("1970-01-01T00:00:00-00:00", 0),
    ("2026-09-21T14:13:20Z", 1_790_000_000_000), ("2026-09-21T16:13:20+02:00", 1_790_000_000_000), ("2026-09-21T14:13:20.250Z", 1_790_000_000_250),
    ("2000-02-29", 951_782_400_000), ("2024-02-29T12:00Z", 1_709_208_000_000), ("2000-03-01", 951_868_800_000), ("1999-12-31T23:59:59Z", 946_684_799_000),
    ("2100-03-01", 4_107_542_400_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("0001-01-01", -62_135_596_800_000),
    ("2026-01-01T00:00:00+14:00", 1_767_175_200_000), ("2026-01-01T23:59:59-12:00", 1_767_355_199_000), ("1900-03-01", -2_203_891_200_000),
]
NO_POINTS = [
    "", " ", "soon", "now", "2026", "2026-10", "2026-10-01T", "2026-10-01T08", "2026-10-01T08Z", "2026-10-01T08:30", "2026-10-01T08:30:00", "2026-10-01T08:30:00.5",
    "2026-10-01Z", "2026-10-01+02:00", "2026-02-30", "2026-02-29", "1900-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "2026-10-00", "2026-10-32", "2026-04-31",
    "2026-10-01T24:00Z", "2026-10-01T24:00:00Z", "2026-10-01T23:60Z", "2026-10-01T23:59:60Z", "2026-10-01T23:59:61Z", "26-10-01", "2026-1-1", "2026/10/01", "01.10.2026",
    "10/01/2026", "Oct 1, 2026", "20261001", "2026-10-01T8:30Z", "2026-10-01T08:3Z", "2026-10-01T08:30:0Z", "2026-10-01T08:30:00.Z", " 2026-10-01", "2026-10-01 ",
    "2026-10-01\n", "2026-10-01T08:30Zx", "2026-10-01T08:30ZZ", "2026-10-01T08:30+2:00", "2026-10-01T08:30+02:60", "1790000000000", "-1", "2026-W40-4", "2026-274",
    "\u0662\u0660\u0662\u0666-10-01", "2026-10-01T08:30:00 Z", "2026-10-01T08:30 +02:00", "Thu, 01 Oct 2026 08:30:00 GMT", "2026-10-01T08:30:00+02:00Z", "T08:30Z",
    "2026-10--1", "2026--1-01", "today",
]
RELATIVES = [
    ("-7d", -604_800_000), ("+7d", 604_800_000), ("+90m", 5_400_000), ("-90m", -5_400_000), ("-1s", -1000), ("+1s", 1000), ("+2h", 7_200_000), ("-36h", -129_600_000),
    ("-1w", -604_800_000), ("+52w", 31_449_600_000), ("+0s", 0), ("-0d", 0), ("+007d", 604_800_000), ("+999999s", 999_999_000), ("-999999d", -86_399_913_600_000),
    ("+999999w", 604_799_395_200_000), ("+000001h", 3_600_000),
]
NO_RELATIVES = [
    "7d", "-d", "+", "-", "-7", "+7", "-7D", "-7days", "-7 d", "- 7d", " -7d", "-7d ", "-7y", "-7M", "-7ms", "-1.5d", "+1234567s", "-0000001d", "--7d", "+-7d", "-7dd", "-7d12h",
    "P7D", "-P7D", "now-7d", "\u22127d", "-\u0667d", "-7d\n", "+1e3s", "\u00b17d",
]


def operand_cases(cases):
    for text, at_ms in POINTS:
        for op, found, expected in [
            ("before", at_ms - 1, YES), ("before", at_ms, NO), ("after", at_ms, NO), ("after", at_ms + 1, YES),
        ]:
            cases.add(f"{op} {text} of {found}", ruled(test(op, text)), expected, attributes={"x": found})
    for text in NO_POINTS + NO_RELATIVES:
        for op in ["before", "after"] if text in NO_POINTS[:8] else ["before"]:
            cases.add(f"broken: {op} {shown(text)}", ruled(test(op, text)), PARSE_ERROR, attributes={"x": 0})
    for value, found, expected in [
        (0, -0.5, YES), (0, 0, NO), (1.5, 1.25, YES), (-1, -2, YES), (1_790_000_000_000, "2026-09-21T14:13:19.999Z", YES),
        (1_790_000_000_000, "2026-09-21T14:13:20Z", NO), (253_402_300_800_000, "9999-12-31T23:59:59.999Z", YES), (1e300, 1e299, YES),
    ]:
        cases.add(f"before the number {value}, of {shown(found)}", ruled(test("before", value)), expected, attributes={"x": found})
    for text, offset_ms in RELATIVES:
        for op, found, expected in [
            ("before", NOW_MS + offset_ms - 1, YES), ("before", NOW_MS + offset_ms, NO), ("after", NOW_MS + offset_ms, NO),
            ("after", NOW_MS + offset_ms + 1, YES),
        ]:
            cases.add(f"{op} {text} of {found}", ruled(test(op, text)), expected, attributes={"x": found})
    for now_ms, expected in [(604_800_000, NO), (604_800_001, YES), (604_799_999, NO)]:
        cases.add(f"before -7d of 1970-01-01, now being {now_ms}", ruled(test("before", "-7d")), expected, attributes={"x": "1970-01-01"}, now_ms=now_ms)
    for now_ms, expected in [(0, NO), (-1, YES)]:
        cases.add(f"after +0s of 1970-01-01, now being {now_ms}", ruled(test("after", "+0s")), expected, attributes={"x": "1970-01-01"}, now_ms=now_ms)


def attribute_cases(cases):
    ruleset = cases.share("dates", {"flags": {
        f"{op} {value}": ruled(test(op, value))["flags"]["f"]
        for op, value in [("before", "9999-12-31"), ("after", "0001-01-02"), ("before", "+1d"), ("after", "-7d"), ("before", 0)]
    }})
    for text, at_ms in POINTS:
        cases.add(f"before 1970-01-01 of {text}", ruleset, YES if at_ms < 0 else NO, flag="before 0", attributes={"x": text})
        for op, edge_ms, expected in [("before", at_ms + 1, YES), ("before", at_ms, NO), ("after", at_ms - 1, YES)]:
            cases.add(f"{op} the number {edge_ms}, of the text {text}", ruled(test(op, edge_ms)), expected, attributes={"x": text})
    for text in [*NO_POINTS, "-7d", "+90m"]:
        cases.add(f"before 9999-12-31 of {shown(text)}", ruleset, NO, flag="before 9999-12-31", attributes={"x": text})
    for text in ["-7d", "+1d", "", "soon", "2026-10-01T08:30"]:
        cases.add(f"after -7d of {shown(text)}", ruleset, NO, flag="after -7d", attributes={"x": text})
    for found in [True, False, [], ["2026-10-01"], {}, {"time": 0}]:
        for flag in ["before +1d", "after -7d"]:
            cases.add(f"{flag} of {shown(found)}", ruleset, NO, flag=flag, attributes={"x": found})
    for found, expected in [(NOW_MS, YES), (NOW_MS + 86_399_999, YES), (NOW_MS + 86_400_000, NO), (-1e15, YES), (1e300, NO)]:
        cases.add(f"before +1d of the number {found}", ruleset, expected, flag="before +1d", attributes={"x": found})


def window_cases(cases):
    for text, at_ms in POINTS:
        cases.add(f"at its start, {text}", one(start=text, off="c"), NO, now_ms=at_ms)
        cases.add(f"just before its start, {text}", one(start=text, off="c"), ("c", "DISABLED"), now_ms=at_ms - 1)
        cases.add(f"at its end, {text}", one(end=text, off="c"), ("c", "DISABLED"), now_ms=at_ms)
    for text in NO_POINTS[:40] + ["-7d", "+90m"]:
        cases.add(f"broken: a start {shown(text)}", one(start=text), PARSE_ERROR)
    for value in [True, [], {}, ["2026-10-01"]]:
        for name in ["start", "end"]:
            cases.add(f"broken: {name} is {shown(value)}", one(**{name: value}), PARSE_ERROR)
    cases.add("a start and an end that are the same is never on", one(start=NOW_MS, end=NOW_MS, off="c"), ("c", "DISABLED"))
    cases.add("a start of null is none", one(start=None, end=None), NO)
    cases.add("a fraction of a millisecond counts", one(start=NOW_MS + 0.5, off="c"), ("c", "DISABLED"))
