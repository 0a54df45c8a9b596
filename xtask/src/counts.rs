//! How many tests passed and failed, read from what the test runners print.

use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Counts {
    /// A check that has no count of its own counts as one test.
    pub fn of_check(success: bool) -> Self {
        Self { passed: u32::from(success), failed: u32::from(!success) }
    }

    /// What a runner that ended with `success` counts for. One that failed, or ran nothing, has at least one failure,
    /// whatever it printed.
    pub fn judged(self, success: bool) -> Self {
        let sound = success && self.passed + self.failed > 0;
        if sound { self } else { Self { failed: self.failed.max(1), ..self } }
    }

    /// The sum of all `test result: …` lines, which cargo's and wasm-bindgen's runners print.
    pub fn in_cargo_output(output: &str) -> Self {
        let mut total = Self::default();
        for line in output.lines() {
            let Some((_, result)) = line.split_once("test result: ") else {
                continue;
            };
            for part in result.split([';', '.']) {
                match part.trim().split_once(' ') {
                    Some((count, "passed")) => total.passed += count.parse().unwrap_or(0),
                    Some((count, "failed")) => total.failed += count.parse().unwrap_or(0),
                    _ => {}
                }
            }
        }
        total
    }

    /// The sum of all summaries of node's test runner, in TAP (`# pass 3`) or for people (`ℹ pass 3`). A cancelled test
    /// has failed.
    pub fn in_node_output(output: &str) -> Self {
        let mut total = Self::default();
        for line in output.lines() {
            let Some(summary) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else {
                continue;
            };
            let Some((word, count)) = summary.split_once(' ') else {
                continue;
            };
            let Ok(count) = count.trim().parse::<u32>() else {
                continue;
            };
            match word {
                "pass" => total.passed += count,
                "fail" | "cancelled" => total.failed += count,
                _ => {}
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_line_of_cargo_counts() {
        let output = "running 3 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s\n";
        assert_eq!(Counts::in_cargo_output(output), Counts { passed: 13, failed: 2 });
    }

    #[test]
    fn node_counts_in_both_of_its_formats() {
        let tap = "ok 1 - a\n# tests 6\n# suites 1\n# pass 4\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0\n";
        assert_eq!(Counts::in_node_output(tap), Counts { passed: 4, failed: 2 });
        let spec = "✔ a (1ms)\nℹ tests 1\nℹ pass 1\nℹ fail 0\nℹ duration_ms 43.5\n";
        assert_eq!(Counts::in_node_output(spec), Counts { passed: 1, failed: 0 });
    }

    #[test]
    fn words_about_passing_elsewhere_do_not_count() {
        assert_eq!(Counts::in_node_output("# Subtest: pass 3\n    # pass 3\n# pass by value\n"), Counts::default());
        assert_eq!(Counts::in_cargo_output("3 passed; 0 failed"), Counts::default());
    }

    #[test]
    fn a_runner_that_crashed_or_ran_nothing_has_failed() {
        let some = Counts { passed: 3, failed: 0 };
        assert_eq!(some.judged(true), some);
        assert_eq!(some.judged(false), Counts { passed: 3, failed: 1 });
        assert_eq!(Counts::default().judged(true), Counts { passed: 0, failed: 1 });
        assert_eq!(Counts { passed: 3, failed: 2 }.judged(false), Counts { passed: 3, failed: 2 });
    }
}
