// T: what clocks can do. D: what a ruleset or a person's attributes can hold. The engine and the package decide these, in
// whatever browser: tests of theirs hold them.

import { cargo, held, node } from "../lib/registry.mjs"

const engine = (name) => cargo("--test engine", name)
const time = (name) => node("pkg/test/time.test.mjs", name)
const data = (name) => node("pkg/test/bad-data.test.mjs", name)
const collector = (name) => cargo("--lib", `corrected_time::tests::${name}`, "pennon-collector")

held("T1", "the wall clock is set back by a day while a retry waits", engine(/^time::t1_/))
held("T2", "the wall clock is set ahead by a year", engine(/^time::t2_/),
  engine("delivery::rows_older_than_seven_days_are_dropped_and_only_when_the_server_agrees_on_the_time"))
held("T3", "the device's clock is wrong by three years", engine(/^time::t3_/), collector("a_wrong_wall_clock_does_not_matter"))
held("T4", "a sleep of 8 hours, in which the monotonic clock stood still", engine(/^time::t4_/),
  collector("clocks_that_agree_within_two_seconds_use_the_monotonic_one"))
held("T5", "the session ends at midnight, or after 30 idle minutes, during a flush", engine(/^time::t5_/))
held("T6", "timers are late by 60 s, or fire all at once", engine(/^time::t6_/))
held("T7", "summer time begins, or the timezone changes", time(/^T7 /))
held("T8", "Date.now is patched by the page", time(/^T8 /))

held("D1", "a ruleset of 10 000 flags, of 8 MiB, of 20 MB", data(/^D1 /))
held("D2", "nesting 10 000 levels deep", data(/^D2 /))
held("D3", "JSON that is malformed or cut short, with a byte order mark, in UTF-16", node("tests/e2e/test/refresh.test.mjs", /^D3 /))
held("D4", "duplicate JSON keys", engine(/^bad_data::d04_/), data(/^D4 /))
held("D5", "NaN, Infinity, -0, 1e400, integers too large, BigInt", engine(/^bad_data::d05_/), data(/^D5 /))
held("D6", "lone surrogates in keys, ids and variants", engine(/^bad_data::d06_/), data(/^D6 /))
held("D7", "keys __proto__, constructor, toString, hasOwnProperty and none at all", engine(/^bad_data::d07_/), data(/^D7 /))
held("D8", "percentages below 0, above 100, of another sum, NaN", engine(/^bad_data::d08_/), data(/^D8 /))
held("D9", "prerequisites in a circle", engine(/^bad_data::d09_/), data(/^D9 /))
held("D10", "segments in a circle", engine(/^bad_data::d10_/), data(/^D10 /))
held("D11", "a reference to a missing flag or segment", engine(/^bad_data::d11_/), data(/^D11 /))
held("D12", "patterns made to take long, and one of 1 MB", engine(/^bad_data::d12_/), data(/^D12 /))
held("D13", "strings of 1 MB, and 10 000 attributes", data(/^D13 /))
held("D14", "an unknown operator, a newer schema", engine(/^bad_data::d14_/), data(/^D14 /))
held("D15", "a value with NUL, U+2028 and </script>", data(/^D15 /))
held("D16", "an empty ruleset, null, an array", engine(/^bad_data::d16_/), data(/^D16 /))
held("D17", "the ruleset is swapped while flags are read", data(/^D17 /))
held("D18", "an exposure of more than 2 KiB", data(/^D18 /))
