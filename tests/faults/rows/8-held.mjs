// D, and what else needs no browser: the tests that hold each row.

import { cargo, held, node } from "../lib/registry.mjs"

const data = (name) => cargo("--test engine", `bad_data::${name}`)
const badData = (name) => node("pkg/test/bad-data.test.mjs", name)
const badInput = (name) => node("tests/e2e/test/bad-input.test.mjs", name)

held("D1", "a ruleset of 10 000 flags, of 8 MiB, of 20 MB", badData(/^D1 /))
held("D2", "nested ten thousand deep", badData(/^D2 /))
held("D3", "JSON that is malformed, truncated, with a BOM, UTF-16", badInput(/^a ruleset that /), node("tests/e2e/test/refresh.test.mjs", /^D3 /))
held("D4", "duplicate keys", data("d04_of_equal_keys_the_last_wins"), badData(/^D4 /))
held("D5", "NaN, Infinity, -0, 1e400, BigInt", data("d05_numbers_that_no_double_holds_break_the_flag_and_minus_zero_is_zero"), badData(/^D5 /))
held("D6", "lone surrogates", data("d06_a_lone_surrogate_is_one_replacement_character_wherever_it_is"), badData(/^D6 /))
held("D7", "keys like __proto__", data("d07_names_that_javascript_objects_have_are_names_like_others"), badData(/^D7 /))
held("D8", "percentages that are none", data("d08_percentages_and_weights_outside_their_range_break_the_flag_alone"), badData(/^D8 /))
held("D9", "prerequisites in a circle", data("d09_prerequisites_in_a_circle_fail_and_are_problems_however_long_it_is"), badData(/^D9 /))
held("D10", "segments in a circle", data("d10_segments_in_a_circle_break_the_flags_that_refer_to_them_and_no_others"), badData(/^D10 /))
held("D11", "references to what is not there", data("d11_what_refers_to_a_missing_flag_or_segment_says_so"), badData(/^D11 /))
held("D12", "patterns that take long", data("d12_a_pattern_that_could_take_long_is_refused_and_never_run"), badData(/^D12 /))
held("D13", "strings of 1 MB, ten thousand attributes", badData(/^D13 /))
held("D14", "an unknown operator, a newer schema", data("d14_an_unknown_operator_breaks_its_flag_and_a_newer_schema_the_ruleset"), badData(/^D14 /))
held("D15", "NUL, U+2028 and </script> in a value", badData(/^D15 /), badInput(/^D15 /))
held("D16", "a ruleset that is empty, null, an array", data("d16_what_is_no_ruleset_is_refused_and_the_last_one_stays"), badData(/^D16 /))
held("D17", "a ruleset swapped during an evaluation", badData(/^D17 /))
held("D18", "an exposure above 2 KiB", badData(/^D18 /))

held("C3", "an acknowledgement for rows that were evicted or adopted",
  cargo("--test engine", "machine::the_state_machine_agrees_with_its_model_in_any_order_of_events"),
  cargo("--test engine", "delivery::no_row_is_ever_lost_uncounted_and_the_servers_sum_is_the_truth"))
