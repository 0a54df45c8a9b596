//! What a flag answered, and why.

/// Why. OpenFeature's names where it has one; `docs/ruleset.md` maps each of the others to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    TargetingMatch,
    Split,
    Default,
    Disabled,
    PrerequisiteFailed,
    Holdout,
    NotInLayer,
    NotInExposure,
    Override,
    Error,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
            Self::PrerequisiteFailed => "PREREQUISITE_FAILED",
            Self::Holdout => "HOLDOUT",
            Self::NotInLayer => "NOT_IN_LAYER",
            Self::NotInExposure => "NOT_IN_EXPOSURE",
            Self::Override => "OVERRIDE",
            Self::Error => "ERROR",
        }
    }
}

/// What went wrong, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    FlagNotFound,
    ParseError,
    /// The decision names the default variant all the same.
    TargetingKeyMissing,
    /// No ruleset yet.
    ProviderNotReady,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::ProviderNotReady => "PROVIDER_NOT_READY",
        }
    }
}

/// The rule id of a decision by an individual target.
pub const TARGET_RULE_ID: &str = "$target";

/// One flag's answer. It borrows from the ruleset it was made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'a> {
    /// Which of the flag's variants; `None` only with [`Reason::Error`].
    pub variant: Option<usize>,
    pub reason: Reason,
    pub rule_id: Option<&'a str>,
    /// The unit's bucket in the flag's split, when a split was asked.
    pub bucket: Option<u32>,
    pub error: Option<ErrorCode>,
    /// The flag's version when the variant was assigned, if the unit keeps its variant.
    pub assigned_version: Option<u64>,
    pub overridden: Overridden,
}

/// Whether a decision used overrides, and whether all of them asked to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overridden {
    No,
    Recorded,
    Silent,
}

impl Overridden {
    pub(super) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Decision<'_> {
    /// Whether it is an answer that a rule of the flag chose for this unit: a split's, also its control, or a fixed variant.
    /// Judged by the reason alone. An individual target chose for one, not for those like it.
    pub fn targets(&self) -> bool {
        match self.reason {
            Reason::Split => true,
            Reason::TargetingMatch => self.rule_id != Some(TARGET_RULE_ID),
            _ => false,
        }
    }

    pub(super) fn of(variant: f64, reason: Reason) -> Self {
        let mut decision = Self::empty(reason);
        decision.variant = Some(variant as usize);
        decision
    }

    pub(super) fn failed(error: ErrorCode) -> Self {
        let mut decision = Self::empty(Reason::Error);
        decision.error = Some(error);
        decision
    }

    #[inline(never)]
    fn empty(reason: Reason) -> Self {
        Self {
            variant: None,
            reason,
            rule_id: None,
            bucket: None,
            error: None,
            assigned_version: None,
            overridden: Overridden::No,
        }
    }
}
