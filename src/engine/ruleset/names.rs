//! The names of fields, as numbers: a field that is asked for is found by comparing bytes, and its name is in the module
//! once.

macro_rules! names {
    ($($name:ident $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Name {
            $($name,)*
        }

        impl Name {
            pub const COUNT: usize = Self::ALL.len();
            const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];
        }

        const TEXTS: [&str; [$($text),*].len()] = [$($text),*];
    };
}

// Those that are met most come first: they are looked for one by one.
names! {
    Attribute "attribute",
    Op "op",
    Value "value",
    Variant "variant",
    Weight "weight",
    Serve "serve",
    When "when",
    All "all",
    Id "id",
    Variants "variants",
    Default "default",
    Rules "rules",
    Version "version",
    Off "off",
    Enabled "enabled",
    Salt "salt",
    Experiment "experiment",
    Segment "segment",
    Flag "flag",
    Any "any",
    Not "not",
    IgnoreCase "ignoreCase",
    By "by",
    Percent "percent",
    LimitExposure "limitExposure",
    Start "start",
    End "end",
    Requires "requires",
    Targets "targets",
    Ids "ids",
    Holdout "holdout",
    Layer "layer",
    Sticky "sticky",
    StickyVersion "stickyVersion",
    Include "include",
    Exclude "exclude",
    Slots "slots",
    Hashes "hashes",
}

impl Name {
    /// The name that a text is; `None` for a field that nobody knows.
    pub fn of(text: &str) -> Option<Self> {
        // Their lengths first: to compare texts takes a call.
        TEXTS
            .iter()
            .position(|name| name.len() == text.len() && *name == text)
            .and_then(|place| Self::ALL.get(place))
            .copied()
    }

    pub fn as_str(self) -> &'static str {
        TEXTS.get(self as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_text() {
        for (name, text) in Name::ALL.into_iter().zip(TEXTS) {
            assert_eq!((name.as_str(), Name::of(text)), (text, Some(name)));
        }
        assert_eq!(Name::of("Id"), None);
    }
}
