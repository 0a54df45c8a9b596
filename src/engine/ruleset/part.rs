//! A flag, segment, layer or holdout as it is evaluated: the tokens of its JSON, in the order of the text, with what
//! `Check` found each to stand for. There is one kind of token and there are two lists, whatever a part says: a type of
//! its own for each thing that a ruleset knows took three times the code, to make them and to free them.

use std::cmp::Ordering;
use std::num::NonZeroU32;

use super::super::attributes::Attribute;
use super::super::json::{MAX_DEPTH, Reader, Span, decode_string};
use super::super::sort::order_of;
use super::names::Name;
use super::problem::Fault;
use super::slice;

/// A token's place in its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At(NonZeroU32);

/// The unit of what names none.
pub const DISTINCT_ID: &str = "distinctId";
/// The text of that.
const UNIT: At = At(NonZeroU32::MIN);
/// The part's key.
pub const KEY: At = UNIT.next();
/// The part's value.
pub const ROOT: At = KEY.next();

impl At {
    pub fn new(place: u32) -> Option<Self> {
        NonZeroU32::new(place).map(Self)
    }

    pub fn place(self) -> u32 {
        self.0.get()
    }

    /// What stands right behind: of a key its value, of a list or an object what is first in it.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Only what is here.
    pub const fn alone(self) -> Rest {
        let at = self.0.get();
        Rest { at, end: at + 1 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Null,
    Bool,
    Number,
    Text,
    /// A text that is the name of the value behind it.
    Key,
    List,
    /// Behind it, in turn, come keys and values.
    Object,
    /// A text that is a time relative to now. [`Token::number`] is in milliseconds.
    FromNow,
}

/// What a condition says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    All,
    Any,
    Not,
    Segment,
    Flag,
    Attribute,
}

/// A value, or the key of a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct Token {
    /// Where it is in the ruleset's text.
    pub span: (u32, u32),
    /// How many tokens it is, with all that are in it. Of a key 1: its value comes behind it.
    pub count: u32,
    /// Of a text: the place of what it stands for, in the part's `text`. Of a list: the places of its items. Of an object:
    /// like a text, the salt that it has when it names none; of a condition the places of what it looks at, and of what it
    /// compares that with; of a rule those of its condition and of what it serves; of what a split lists its weight in
    /// thousandths, and the place of its variant. Of the name of a layer: `from` is the place of the flag's slots there.
    pub from: u32,
    pub to: u32,
    /// A number's value, 1 or 0 for true or false, or what a text was resolved to: a time, the place of a variant, a flag, a
    /// segment, a layer or a holdout. Of a condition 1 when it ignores case.
    pub number: f64,
    pub kind: Kind,
    /// Of a key, the [`Name`] that it is, if it is one.
    name: Option<Name>,
    pub form: Form,
    /// Of a condition on an attribute, the place in `conditions::OPERATORS`.
    pub operator: u8,
}

impl Token {
    pub fn text_span(&self) -> Span {
        (self.span.0 as usize, self.span.1 as usize)
    }
}

/// What is at no place.
const NOTHING: Token = Token {
    span: (0, 0),
    count: 1,
    from: 0,
    to: 0,
    number: 0.0,
    kind: Kind::Null,
    name: None,
    form: Form::All,
    operator: 0,
};

#[derive(Debug)]
pub struct Part {
    /// One that stands for nothing, [`UNIT`], [`KEY`] and [`ROOT`]; behind them what is in that.
    pub tokens: Vec<Token>,
    /// Where the values of the root's members are, by [`Name`]; 0 where there is none. They are asked for at each decision.
    top: [u32; Name::COUNT],
    /// What all the texts stand for, one behind the other.
    pub text: String,
    /// A flag's variants: the places of their keys.
    pub variants: Vec<u32>,
    /// The flags and segments that conditions and prerequisites refer to: nodes, as `references` numbers them.
    pub references: Vec<u32>,
    /// The last name of a flag that the ruleset does not have.
    pub missing: Option<At>,
    /// The operands of `bucket` conditions: places.
    pub salts: Vec<u32>,
    /// What is wrong with it. Nothing else of a broken part is looked at.
    pub fault: Option<Fault>,
}

/// Places one behind the other.
#[derive(Clone, Copy)]
pub struct Rest {
    at: u32,
    end: u32,
}

impl Rest {
    pub const NONE: Self = Self { at: 0, end: 0 };
}

impl Part {
    /// The tokens of a key and its value. The ruleset's text is JSON: it was checked as a whole. A value that is nested too
    /// deep is a fault.
    pub fn read(ruleset: &str, key: Span, value: Span) -> Self {
        // At once, since growing step by step takes longer than what is written: a flag has about so many.
        let bytes = value.1 - key.0;
        let mut part = Self {
            tokens: Vec::with_capacity(bytes / 8 + 8),
            text: String::with_capacity(bytes / 2 + 32),
            top: [0; Name::COUNT],
            variants: Vec::new(),
            references: Vec::new(),
            missing: None,
            salts: Vec::new(),
            fault: None,
        };
        let (from, to) = part.add_text(DISTINCT_ID);
        part.tokens.extend([NOTHING, Token { kind: Kind::Text, from, to, ..NOTHING }]);
        let mut reader = Reader::from(ruleset, key.0);
        // The lists and objects around what comes next.
        let mut open: Vec<u32> = Vec::with_capacity(8);
        let mut key_due = true;
        while reader.at() < value.1 {
            let start = reader.at();
            let place = part.tokens.len() as u32;
            let mut token = NOTHING;
            match reader.step() {
                b'}' | b']' => {
                    part.close(open.pop().unwrap_or_default(), reader.at());
                    continue;
                }
                b',' => {
                    key_due = open.last().is_some_and(|around| part.token_at(*around).kind == Kind::Object);
                    continue;
                }
                b':' | b' ' | b'\n' | b'\t' | b'\r' => continue,
                opening @ (b'{' | b'[') => {
                    key_due = opening == b'{';
                    token.kind = if key_due { Kind::Object } else { Kind::List };
                    token.from = place + 1;
                }
                b'"' => {
                    reader.known_string();
                    let text = decode_string(slice(ruleset, (start, reader.at())));
                    token.kind = if key_due { Kind::Key } else { Kind::Text };
                    if key_due {
                        token.name = Name::of(&text);
                        if open.len() == 1
                            && let Some(name) = token.name
                            && let Some(value) = part.top.get_mut(name as usize)
                        {
                            *value = place + 1;
                        }
                    }
                    key_due = false;
                    (token.from, token.to) = part.add_text(&text);
                }
                first => {
                    reader.known_scalar();
                    token.kind = match first {
                        b't' | b'f' => Kind::Bool,
                        b'n' => Kind::Null,
                        _ => Kind::Number,
                    };
                    token.number = f64::from(u8::from(first == b't'));
                }
            }
            if open.len() >= MAX_DEPTH {
                part.fault = Some(Fault { at: value.0, missing: "", expected: "at most 64 levels of nesting" });
                part.close(ROOT.place(), value.1);
                break;
            }
            token.span = (start as u32, reader.at() as u32);
            part.tokens.push(token);
            if matches!(token.kind, Kind::Object | Kind::List) {
                open.push(place);
            }
        }
        part
    }

    /// A list or an object ends.
    fn close(&mut self, place: u32, at: usize) {
        let behind = self.tokens.len() as u32;
        if let Some(token) = self.tokens.get_mut(place as usize) {
            token.span.1 = at as u32;
            token.count = behind - place;
            if token.kind == Kind::List {
                token.to = behind;
            }
        }
    }

    /// Adds a text that tokens stand for, and gives its place.
    pub fn add_text(&mut self, text: &str) -> (u32, u32) {
        let from = self.text.len() as u32;
        self.text.push_str(text);
        (from, self.text.len() as u32)
    }

    #[inline(never)]
    fn token_at(&self, place: u32) -> &Token {
        self.tokens.get(place as usize).unwrap_or(&NOTHING)
    }

    pub fn token(&self, at: At) -> &Token {
        self.token_at(at.place())
    }

    pub fn number(&self, at: At) -> f64 {
        self.token(at).number
    }

    /// A text; of an object the salt that it has when it names none.
    pub fn text(&self, at: At) -> &str {
        self.text_of(self.token(at))
    }

    #[inline(never)]
    fn text_of(&self, token: &Token) -> &str {
        self.text.get(token.from as usize..token.to as usize).unwrap_or_default()
    }

    /// `None` for what is no text.
    pub fn as_str(&self, at: At) -> Option<&str> {
        (self.token(at).kind == Kind::Text).then(|| self.text(at))
    }

    pub fn key(&self) -> &str {
        self.text(KEY)
    }

    /// The member of that name; `None` when it is absent or null, and when this is no object. Of equal keys the last counts,
    /// as in JavaScript.
    #[inline(never)]
    pub fn get(&self, object: At, name: Name) -> Option<At> {
        let is_value = |at: &At| self.token(*at).kind != Kind::Null;
        if object == ROOT {
            return At::new(*self.top.get(name as usize)?).filter(is_value);
        }
        let token = self.token(object);
        if token.kind != Kind::Object {
            return None;
        }
        let mut found = None;
        let mut place = object.place() + 1;
        let end = object.place() + token.count;
        while place < end
            && let Some([key, value, ..]) = self.tokens.get(place as usize..)
        {
            if key.name == Some(name) {
                found = At::new(place + 1);
            }
            place += 1 + value.count;
        }
        found.filter(is_value)
    }

    /// Likewise, the member of a key that may be any text.
    pub fn get_key(&self, object: At, key: &str) -> Option<At> {
        let found = self.items(self.inside(object)).filter(|at| self.text(*at) == key).last()?.next();
        Some(found).filter(|at| self.token(*at).kind != Kind::Null)
    }

    /// The number that a member stands for.
    #[inline(never)]
    pub fn number_of(&self, object: At, name: Name, default: f64) -> f64 {
        self.get(object, name).map_or(default, |at| self.number(at))
    }

    /// The text of a member; empty when it is absent.
    #[inline(never)]
    pub fn text_or_empty(&self, object: At, name: Name) -> &str {
        self.get(object, name).map_or("", |at| self.text(at))
    }

    /// The salt of an object.
    pub fn salt(&self, object: At) -> &str {
        self.text(self.get(object, Name::Salt).unwrap_or(object))
    }

    /// The kinds of unit that an object's `by` names.
    #[inline(never)]
    pub fn units(&self, object: At) -> Items<'_> {
        self.items(self.get(object, Name::By).map_or(UNIT.alone(), |by| self.one_or_more(by)))
    }

    /// The keys of an object.
    pub fn inside(&self, object: At) -> Rest {
        let at = object.place();
        Rest { at: at + 1, end: at + self.token(object).count }
    }

    /// The items of a list, or a single value as if it were a list of one.
    pub fn one_or_more(&self, at: At) -> Rest {
        let token = self.token(at);
        match token.kind {
            Kind::List => Rest { at: token.from, end: token.to },
            _ => at.alone(),
        }
    }

    /// The items of the list of that name; none when there is none.
    pub fn list(&self, object: At, name: Name) -> Rest {
        self.get(object, name).map_or(Rest::NONE, |at| self.one_or_more(at))
    }

    /// Goes on to the next place.
    #[inline(never)]
    pub fn step(&self, rest: &mut Rest) -> Option<At> {
        if rest.at >= rest.end {
            return None;
        }
        let at = At::new(rest.at);
        if self.token_at(rest.at).kind == Kind::Key {
            rest.at += 1;
        }
        rest.at += self.token_at(rest.at).count;
        at
    }

    /// How many there are.
    pub fn count(&self, mut rest: Rest) -> usize {
        let mut count = 0;
        while self.step(&mut rest).is_some() {
            count += 1;
        }
        count
    }

    pub fn items(&self, rest: Rest) -> Items<'_> {
        Items { part: self, rest }
    }

    /// A variant's key.
    pub fn variant(&self, place: usize) -> &str {
        self.variants.get(place).and_then(|key| At::new(*key)).map_or("", |key| self.text(key))
    }

    /// The place of the variant of that key.
    pub fn variant_named(&self, key: &str) -> Option<usize> {
        (0..self.variants.len()).find(|variant| self.variant(*variant) == key)
    }

    /// A flag's version.
    pub fn version(&self) -> u64 {
        self.number_of(ROOT, Name::Version, 1.0) as u64
    }

    /// A variant's value: where it is in the ruleset's text.
    pub fn variant_span(&self, key: u32) -> Span {
        self.token_at(key + 1).text_span()
    }

    /// Sorts a list of scalars.
    pub fn sort(&mut self, list: At) {
        let Rest { at, end } = self.one_or_more(list);
        let items = self.tokens.get(at as usize..end as usize).unwrap_or_default().to_vec();
        let scalar = |place: usize| self.scalar(items.get(place).unwrap_or(&NOTHING));
        let order = order_of(items.len(), &|one, other| scalar(one).order(scalar(other)));
        for (place, from) in order.into_iter().enumerate() {
            if let (Some(to), Some(item)) = (self.tokens.get_mut(at as usize + place), items.get(from)) {
                *to = *item;
            }
        }
    }

    /// Leaves of equal scalars in a sorted list the first.
    pub fn dedup(&mut self, list: At) {
        let Rest { at, end } = self.one_or_more(list);
        let mut to = at;
        for from in at..end {
            let item = *self.token_at(from);
            if to > at && self.scalar(self.token_at(to - 1)).order(self.scalar(&item)).is_eq() {
                continue;
            }
            if let Some(place) = self.tokens.get_mut(to as usize) {
                *place = item;
            }
            to += 1;
        }
        if let Some(token) = self.tokens.get_mut(list.place() as usize)
            && token.kind == Kind::List
        {
            token.to = to;
        }
    }

    /// The place of a scalar in a list that is sorted.
    #[inline(never)]
    pub fn place_of(&self, list: At, wanted: Attribute<'_>) -> Option<usize> {
        let Rest { at, end } = self.one_or_more(list);
        let items = self.tokens.get(at as usize..end as usize)?;
        items.binary_search_by(|item| self.scalar(item).order(wanted)).ok()
    }

    /// Whether a sorted list of that name holds a text.
    #[inline(never)]
    pub fn holds(&self, object: At, name: Name, text: &str) -> bool {
        self.get(object, name).is_some_and(|list| self.place_of(list, Attribute::Text(text)).is_some())
    }

    fn scalar(&self, token: &Token) -> Attribute<'_> {
        match token.kind {
            Kind::Text => Attribute::Text(self.text_of(token)),
            Kind::Bool => Attribute::Bool(token.number > 0.0),
            _ => Attribute::Number(token.number),
        }
    }
}

/// Goes through places.
#[derive(Clone, Copy)]
pub struct Items<'p> {
    part: &'p Part,
    rest: Rest,
}

impl Iterator for Items<'_> {
    type Item = At;

    fn next(&mut self) -> Option<At> {
        self.part.step(&mut self.rest)
    }
}

impl Attribute<'_> {
    /// An order in which scalars of different types differ.
    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
            (Self::Bool(one), Self::Bool(other)) => one.cmp(&other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}
