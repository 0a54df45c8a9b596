//! The names of fields, as numbers: a field that is asked for is found by comparing bytes, and its name is in the module
//! once.

macro_rules! names {
    ($($name:ident $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Name {
            $($name,)*
        }

        /// By name, in the order of the enum.
        const ALL: [(Name, &str); [$($text),*].len()] = [$((Name::$name, $text)),*];
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
        ALL.iter().find(|(_, name)| *name == text).map(|(name, _)| *name)
    }

    pub fn as_str(self) -> &'static str {
        ALL.get(self as usize).map_or("", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_text() {
        for (place, (name, text)) in ALL.iter().enumerate() {
            assert_eq!((*name as usize, name.as_str(), Name::of(text)), (place, *text, Some(*name)));
        }
        assert_eq!(Name::of("Id"), None);
    }
}
