//! A small JSON reader (RFC 8259).
//!
//! A [`Reader`] checks a text and finds where each value ends, without recursion and at any depth. [`parse`] makes a
//! tree of a small part. (serde_json would cost more bytes than the rest of the module together.)

use std::borrow::Cow;

/// How deep values may be nested where they are read, so that a ruleset cannot exhaust the stack. Deeper ones are
/// still skipped.
pub const MAX_DEPTH: usize = 64;

/// The text is not JSON from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub at: usize,
}

/// A value, and the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    pub raw: &'a str,
    pub value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// As written; [`super::platform::Platform::number`] reads it.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// In the order written. Of equal keys the last counts, as in JavaScript.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The member of that name; `None` too when this is no object.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Object(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Like [`Node::get`], and a null member counts as absent.
    pub fn get_some(&self, name: &str) -> Option<&Node<'a>> {
        self.get(name).filter(|node| node.value != Value::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A part of a text: where it begins, and the place behind it.
pub type Span = (usize, usize);

/// What a string's text, quotes included, stands for. A lone surrogate becomes U+FFFD, as at every border of the engine.
pub fn decode_string(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    // (`contains` is made for longer texts than keys are.)
    if !inner.bytes().any(|byte| byte == b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let first = four_hex_digits(&mut characters);
                let mut code = first;
                if first & 0xfc00 == 0xd800 {
                    let mut ahead = characters.clone();
                    if ahead.next() == Some('\\') && ahead.next() == Some('u') {
                        let second = four_hex_digits(&mut ahead);
                        if second & 0xfc00 == 0xdc00 {
                            code = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
                            characters = ahead;
                        }
                    }
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    Cow::Owned(out)
}

fn four_hex_digits(characters: &mut std::str::Chars<'_>) -> u32 {
    let mut code = 0;
    for _ in 0..4 {
        code = code << 4 | characters.next().and_then(|digit| digit.to_digit(16)).unwrap_or(0);
    }
    code
}

/// Why a text is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    Malformed(Malformed),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl From<Malformed> for ParseError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The whole text as one value. It is checked first, so that the tree is made without looking out for mistakes.
pub fn parse(text: &str) -> Result<Node<'_>, ParseError> {
    let mut reader = Reader::new(text);
    reader.space();
    reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.malformed().into());
    }
    reader.at = 0;
    reader.node(text, MAX_DEPTH).ok_or(ParseError::TooDeep)
}

/// How many bytes come before the first quote, backslash or control character.
#[inline(always)]
pub fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let found = first_special(u64::from_le_bytes(*chunk));
        at += found;
        if found < 8 {
            return at;
        }
    }
    while !matches!(bytes.get(at), None | Some(b'"' | b'\\' | ..0x20)) {
        at += 1;
    }
    at
}

/// How many of the eight bytes, from the lowest on, come before the first quote, backslash or control character; 8 when
/// none is among them.
#[inline(always)]
fn first_special(word: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // `less` sets the highest bit of each byte below `limit`; those from 128 on, where it may be set, are left out at the end. A
    // byte above a marked one may be marked in error, by what it has lent; the lowest mark is right. (Hacker's Delight, section 6-1.)
    let less = |word: u64, limit: u64| word.wrapping_sub(ONES * limit);
    let equal = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let marks = (equal(b'"') | equal(b'\\') | less(word, 0x20)) & !word & (ONES * 0x80);
    (marks.trailing_zeros() / 8) as usize
}

/// Goes through a text from its beginning, and checks what it passes over.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self::from(text, 0)
    }

    /// A reader that has come to that place.
    pub fn from(text: &'a str, at: usize) -> Self {
        Self { bytes: text.as_bytes(), at }
    }

    /// The place of what comes next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Passes over one byte; 0 at the end.
    pub fn step(&mut self) -> u8 {
        let byte = self.peek().unwrap_or_default();
        self.at += 1;
        byte
    }

    /// Passes over the string whose quote was the last step. The text was checked before.
    pub fn known_string(&mut self) {
        self.at -= 1;
        let _: Result<bool, Malformed> = self.quoted();
    }

    /// Passes over what is left of a scalar after a step. The text was checked before.
    pub fn known_scalar(&mut self) {
        while !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over an object. `member` gets the place of each key, quotes included, when its value comes next, and passes
    /// over that. When no object comes next, false, and nothing is passed over.
    pub fn members(
        &mut self,
        member: &mut dyn FnMut(&mut Self, Span) -> Result<(), Malformed>,
    ) -> Result<bool, Malformed> {
        if self.literal(b'{').is_err() {
            return Ok(false);
        }
        self.space();
        if self.literal(b'}').is_ok() {
            return Ok(true);
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            self.space();
            if self.literal(b'}').is_ok() {
                return Ok(true);
            }
            self.literal(b',')?;
            self.space();
        }
    }

    fn malformed(&self) -> Malformed {
        Malformed { at: self.at }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    pub fn whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
            // An indented text is half spaces.
            while self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) == Some(b"    ") {
                self.at += 4;
            }
        }
    }

    /// The same, not compiled into its caller.
    #[inline(never)]
    fn space(&mut self) {
        self.whitespace();
    }

    /// Passes over white space. Gives the first byte of what comes next. (Most texts have none: to look for it out of line takes a
    /// quarter off the time of reading such a one.)
    #[inline(always)]
    fn next_byte(&mut self) -> Option<u8> {
        let next = self.peek();
        if next.is_some_and(|byte| byte > b' ') {
            return next;
        }
        self.space();
        self.peek()
    }

    #[inline(always)]
    fn literal(&mut self, expected: u8) -> Result<(), Malformed> {
        if self.peek() != Some(expected) {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Malformed> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over a string, and says whether it has escapes.
    #[inline(always)]
    fn string(&mut self) -> Result<bool, Malformed> {
        self.literal(b'"')?;
        let mut has_escapes = false;
        loop {
            self.plain_text();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(self.malformed()),
            }
        }
    }

    /// The same, not compiled into its caller: two copies are enough.
    #[inline(never)]
    fn quoted(&mut self) -> Result<bool, Malformed> {
        self.string()
    }

    /// Goes to the next byte that is a quote, a backslash or a control character, or to the end.
    #[inline(always)]
    fn plain_text(&mut self) {
        self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
    }

    #[inline(never)]
    fn escape(&mut self) -> Result<(), Malformed> {
        self.literal(b'\\')?;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                        return Err(self.malformed());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.malformed()),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Anything but a string, a list or an object.
    #[inline(never)]
    fn scalar(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.number(),
        }
    }

    /// Passes over any value. What is open is kept on the heap, one byte a level, so that depth costs no stack. (A ruleset has
    /// 20 tokens for each 100 bytes, and all of them come by here.)
    pub fn value(&mut self) -> Result<(), Malformed> {
        let mut outer: Vec<u8> = Vec::new();
        // The bracket that closes what is open; 0 when nothing is.
        let mut closing = 0;
        loop {
            if closing == b'}' {
                self.next_byte();
                self.string()?;
                self.next_byte();
                self.literal(b':')?;
            }
            match self.next_byte() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    outer.push(closing);
                    closing = bracket + 2; // In ASCII, `}` and `]` stand two behind their opening ones.
                    if self.next_byte() != Some(closing) {
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // Behind a value: the end of what is open, maybe of more, or a comma.
            loop {
                if closing == 0 {
                    return Ok(());
                }
                if self.next_byte() != Some(closing) {
                    break;
                }
                self.at += 1;
                closing = outer.pop().unwrap_or_default();
            }
            self.literal(b',')?;
        }
    }

    /// A key and its colon, up to the value. Gives the key's place.
    fn key(&mut self) -> Result<Span, Malformed> {
        let start = self.at;
        self.quoted()?;
        let key = (start, self.at);
        self.colon()?;
        Ok(key)
    }

    fn colon(&mut self) -> Result<(), Malformed> {
        self.space();
        self.literal(b':')?;
        self.space();
        Ok(())
    }

    /// Passes over what may stand before a value. Gives the first byte of what comes next.
    #[inline(never)]
    fn separators(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b',' | b':' | b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.peek()
    }

    /// The string of a checked text that comes next.
    fn known_text(&mut self, text: &'a str) -> Cow<'a, str> {
        self.separators();
        let start = self.at;
        let _: Result<bool, Malformed> = self.quoted();
        decode_string(text.get(start..self.at).unwrap_or_default())
    }

    /// The value of a checked text that comes next; `None` when it is nested too deep.
    fn node(&mut self, text: &'a str, depth_left: usize) -> Option<Node<'a>> {
        let depth_left = depth_left.checked_sub(1)?;
        let first = self.separators().unwrap_or_default();
        let start = self.at;
        let mut value = match first {
            b'{' => Value::Object(Vec::new()),
            b'[' => Value::Array(Vec::new()),
            b'"' => Value::String(self.known_text(text)),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            _ => Value::Number(""),
        };
        match &mut value {
            Value::String(_) => {}
            Value::Object(members) => {
                self.at += 1;
                while self.separators() != Some(b'}') {
                    let key = self.known_text(text);
                    members.push((key, self.node(text, depth_left)?));
                }
                self.at += 1;
            }
            Value::Array(items) => {
                self.at += 1;
                while self.separators() != Some(b']') {
                    items.push(self.node(text, depth_left)?);
                }
                self.at += 1;
            }
            _ => self.known_scalar(),
        }
        let raw = text.get(start..self.at).unwrap_or_default();
        if let Value::Number(number) = &mut value {
            *number = raw;
        }
        Some(Node { raw, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to_serde(node: &Node<'_>) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(raw) => serde_json::from_str(raw).unwrap(),
            Value::String(text) => text.as_ref().into(),
            Value::Array(items) => items.iter().map(to_serde).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, node)| (key.to_string(), to_serde(node)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// The place behind the only value of a text, and the white space around it.
    fn skip(text: &str) -> Result<usize, Malformed> {
        let mut reader = Reader::new(text);
        reader.whitespace();
        reader.value()?;
        reader.whitespace();
        Ok(reader.at())
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            prop_assert_eq!(to_serde(&parse(&text).unwrap()), value);
            prop_assert_eq!(skip(&text), Ok(text.len()));
        }

        /// A few bytes that JSON is made of, in any order, reach more of the reader than arbitrary text does.
        #[test]
        fn both_ways_of_reading_accept_what_serde_json_accepts(
            text in prop_oneof![any::<String>(), r#"[\[\]{}:," \\0-9eE.+\-truefalsn\u0001é]{0,24}"#]
        ) {
            let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(parse(&text).is_ok(), expected);
            prop_assert_eq!(skip(&text) == Ok(text.len()), expected);
        }
    }

    #[test]
    fn of_equal_keys_the_last_wins() {
        assert_eq!(parse(r#"{"a":1,"\u0061":2}"#).unwrap().get("a").unwrap().raw, "2");
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (json, text) in [
            (r#""\ud83e\udda9""#, "🦩"),
            (r#""\ud83ex""#, "\u{fffd}x"),
            (r#""\udda9\ud83e""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83e\u0041""#, "\u{fffd}A"),
            (r#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{c}\n\r\t\"\\"),
        ] {
            assert_eq!(decode_string(json), text, "{json}");
        }
    }

    #[test]
    fn depth_is_bounded_where_a_tree_is_made_and_free_where_it_is_skipped() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(ParseError::TooDeep));
        assert_eq!(skip(&nested(1_000_000)), Ok(2_000_000));
    }

    #[test]
    fn members_are_told_with_their_places() {
        let text = r#"{ "a" : 1 , "b" : [2] } x"#;
        let mut reader = Reader::new(text);
        let mut found = Vec::new();
        let is_object = reader.members(&mut |reader, (start, end)| {
            let value = reader.at();
            reader.value()?;
            found.push((&text[start..end], &text[value..reader.at()]));
            Ok(())
        });
        assert_eq!(is_object, Ok(true));
        assert_eq!(found, [("\"a\"", "1"), ("\"b\"", "[2]")]);
        assert_eq!(reader.at(), text.len() - 2);
        let members = |text| Reader::new(text).members(&mut |reader, _| reader.value());
        assert_eq!(members("[]"), Ok(false));
        assert_eq!(members("{\"a\":}"), Err(Malformed { at: 5 }));
    }
}
