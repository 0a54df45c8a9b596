//! What targeting rules may look at: the attributes of an identity, as plain data.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};

use super::identity::Identity;
use super::sort::order_of;
use super::text::parts;

/// An attribute's value. What is no plain data (functions, symbols, NaN, infinities) has become `Null` before.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Counts as missing.
    #[default]
    Null,
    Bool(bool),
    /// Finite.
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// Made by [`Value::object`].
    Object(Vec<(String, Value)>),
}

impl Value {
    /// An object of these members. They are sorted, so that a name among many is found fast; of equal names the last counts.
    pub fn object(mut members: Vec<(String, Value)>) -> Self {
        let name_of = |place: usize| members.get(place).map(|(name, _)| name.as_str());
        let order = order_of(members.len(), &|one, other| name_of(one).cmp(&name_of(other)));
        let mut sorted: Vec<(String, Value)> = Vec::with_capacity(members.len());
        for place in order {
            let Some(member) = members.get_mut(place).map(std::mem::take) else { continue };
            match sorted.last_mut() {
                Some(last) if last.0 == member.0 => *last = member,
                _ => sorted.push(member),
            }
        }
        Self::Object(sorted)
    }

    /// The member of that whole name, else the one found by walking along the dots.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.get(name).or_else(|| self.walk(name))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => {
                let place = members.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
                members.get(place).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    fn walk(&self, path: &str) -> Option<&Value> {
        parts(path, ".").try_fold(self, |value, name| value.get(name))
    }
}

/// Identity and attributes: what a condition reads by name.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub identity: &'a Identity,
    /// A [`Value::Object`]; anything else has no attributes.
    pub attributes: &'a Value,
}

impl<'a> Context<'a> {
    /// The attribute of that whole name, else the one found by walking along the dots. `Null` is missing.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        match name {
            "$distinctId" => Some(Attribute::Text(self.identity.distinct_id())),
            "$anonymousId" => Some(Attribute::Text(&self.identity.anonymous_id)),
            "$deviceId" => Some(Attribute::Text(&self.identity.device_id)),
            _ => Attribute::of(self.attributes.find(name)?),
        }
    }
}

/// A present attribute, as the operators see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'a> {
    Bool(bool),
    Number(f64),
    Text(&'a str),
    List(&'a [Value]),
    Object,
}

impl<'a> Attribute<'a> {
    /// A value as the operators see it; `None` for a missing one.
    pub fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => Self::Number(*value),
            Value::Text(value) => Self::Text(value),
            Value::List(items) => Self::List(items),
            Value::Object(_) => Self::Object,
        })
    }

    /// The place of its type in [`super::ruleset::TYPES`].
    pub fn rank(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Number(_) => 1,
            Self::Bool(_) => 2,
            Self::List(_) => 3,
            Self::Object => 4,
        }
    }
}

/// For native tools and tests. In the module `bindings::convert` reads them: serde's error messages format floating point
/// numbers, and that machinery would be the largest part of the module.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("plain data")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(if value.is_finite() { Value::Number(value) } else { Value::Null })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Value::object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { identified: Some("u1".into()), anonymous_id: "anon".into(), device_id: "device".into() }
    }

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_whole_name_comes_before_a_walk_along_its_dots() {
        let identity = identity();
        let attributes =
            value(r#"{"app.version":"1","app":{"version":"2","os":{"name":"linux"}},"plan":null,"tags":["a"]}"#);
        let context = Context { identity: &identity, attributes: &attributes };
        assert_eq!(context.attribute("app.version"), Some(Attribute::Text("1")));
        assert_eq!(context.attribute("app.os.name"), Some(Attribute::Text("linux")));
        assert_eq!(context.attribute("plan"), None);
        assert_eq!(context.attribute("app.version.major"), None);
        assert_eq!(context.attribute("__proto__"), None);
        assert_eq!(context.attribute("tags"), Some(Attribute::List(&[Value::Text("a".into())])));
    }

    #[test]
    fn of_equal_names_the_last_counts() {
        assert_eq!(value(r#"{"b":0,"a":1,"a":2}"#).find("a"), Some(&Value::Number(2.0)));
    }

    #[test]
    fn ids_are_readable_by_their_dollar_names() {
        let identity = identity();
        let attributes = value(r#"{"$distinctId":"forged"}"#);
        let context = Context { identity: &identity, attributes: &attributes };
        assert_eq!(context.attribute("$distinctId"), Some(Attribute::Text("u1")));
        assert_eq!(context.attribute("$anonymousId"), Some(Attribute::Text("anon")));
        assert_eq!(context.attribute("$deviceId"), Some(Attribute::Text("device")));
    }
}
