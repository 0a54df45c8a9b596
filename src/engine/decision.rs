//! What a flag answered, and why.

/// Why. OpenFeature's names where it has one; `docs/ruleset.md` maps each of the others to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    TargetingMatch,
    Split,
    Default,
    Disabled,
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
}

impl Decision<'_> {
    pub(super) fn of(variant: usize, reason: Reason) -> Self {
        Self { variant: Some(variant), reason, rule_id: None, bucket: None, error: None }
    }

    pub(super) fn failed(error: ErrorCode) -> Self {
        Self { variant: None, reason: Reason::Error, rule_id: None, bucket: None, error: Some(error) }
    }
}
