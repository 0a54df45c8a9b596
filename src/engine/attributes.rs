//! What targeting rules may look at: the attributes of an identity, as plain data.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};

use super::identity::Identity;

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
    /// In the order given.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The member of that whole name, else the one found by walking along the dots.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.get(name).or_else(|| self.walk(name))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    fn walk(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, name| value.get(name))
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
            _ => match self.attributes.find(name)? {
                Value::Null => None,
                Value::Bool(value) => Some(Attribute::Bool(*value)),
                Value::Number(value) => Some(Attribute::Number(*value)),
                Value::Text(value) => Some(Attribute::Text(value)),
                Value::List(_) | Value::Object(_) => Some(Attribute::Other),
            },
        }
    }
}

/// A present attribute, as the operators see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'a> {
    Bool(bool),
    Number(f64),
    Text(&'a str),
    /// A list or an object: no operator of this version looks inside.
    Other,
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
        Ok(Value::Object(members))
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
        assert_eq!(context.attribute("tags"), Some(Attribute::Other));
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
