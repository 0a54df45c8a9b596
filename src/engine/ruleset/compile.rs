//! A flag's JSON to the model, with every mistake found on the way.

use super::super::bucketing::BUCKET_COUNT;
use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::json::{Node, Value};
use super::super::platform::Platform;
use super::super::text::cut;
use super::field::{
    NAME, boolean, integer, is_name, list, name, number, optional, required, text, thousandths, time_ms,
};
use super::model::{Condition, Flag, Limit, Operand, Operator, Rule, Scalar, Serve, Target, Unit, Variant};
use super::problem::Problem;

/// The largest weight, in thousandths: with [`MAX_SPLIT`] of them the sums of `bucketing::allocate` stay below 2⁶⁴.
pub const MAX_WEIGHT_THOUSANDTHS: u64 = 1_000_000_000;
/// The most variants that a split lists.
const MAX_SPLIT: usize = 1000;
/// The most variants of a flag: each is compared with each.
const MAX_VARIANTS: usize = 2000;

/// Steps of the evaluation that this version does not decide. A flag that asks for one would be answered wrongly, so
/// it is a broken flag.
const UNSUPPORTED: [&str; 4] = ["requires", "layer", "holdout", "sticky"];

/// Compiles one flag. Fields it does not know are ignored.
pub fn flag(key: &str, node: &Node<'_>, platform: Platform) -> Result<Flag, Problem> {
    if !matches!(node.value, Value::Object(_)) {
        return Err(Problem::at(node, "an object"));
    }
    if key.len() > MAX_TEXT_BYTES {
        return Err(Problem::new("a longer key", "a key of at most 256 bytes"));
    }
    for name in UNSUPPORTED {
        if let Some(found) = node.get_some(name).filter(|found| found.value != Value::Bool(false)) {
            return Err(Problem::at(found, "nothing: this version does not decide by it").within(name));
        }
    }
    let variants = required(node, "variants", "an object with at least one variant", read_variants)?;
    let variant = |node: &Node<'_>| {
        let key = node.as_str();
        variants
            .iter()
            .position(|variant| key == Some(&variant.key))
            .ok_or_else(|| Problem::at(node, "the key of a variant"))
    };
    let default = required(node, "default", "the key of a variant", variant)?;
    let salt = optional(node, "salt", salt)?.unwrap_or_else(|| key.to_owned());
    if salt.contains('\0') {
        return Err(Problem::new(&salt, "a key without NUL"));
    }
    let limit = optional(node, "limitExposure", |limit| {
        if !matches!(limit.value, Value::Object(_)) {
            return Err(Problem::at(limit, "an object with a percent"));
        }
        let own_salt = optional(limit, "salt", self::salt)?.unwrap_or_else(|| salt.clone() + "/exposure");
        if own_salt == salt {
            return Err(Problem::new(&own_salt, "a salt other than the split's").within("salt"));
        }
        Ok(Limit {
            buckets: required(limit, "percent", "a percentage", |node| {
                let buckets = thousandths(node, BUCKET_COUNT.into(), "0 to 100 with at most 3 decimals", platform)?;
                Ok(buckets as u32)
            })?,
            variant: optional(limit, "variant", variant)?.unwrap_or(default),
            salt: own_salt,
        })
    })?;
    Ok(Flag {
        enabled: optional(node, "enabled", boolean)?.unwrap_or(true),
        version: optional(node, "version", |node| integer(node, platform))?.unwrap_or(1),
        by: optional(node, "by", units)?.unwrap_or_else(|| vec![Unit::DistinctId]),
        off: optional(node, "off", variant)?.unwrap_or(default),
        experiment: optional(node, "experiment", name)?,
        targets: optional(node, "targets", |node| {
            list(node, "a list of individual targets", |target| {
                Ok(Target {
                    variant: required(target, "variant", "the key of a variant", variant)?,
                    ids: required(target, "ids", "a list of ids", |node| list(node, "a list of ids", text))?,
                })
            })
        })?
        .unwrap_or_default(),
        start_ms: optional(node, "start", |node| time_ms(node, platform))?.unwrap_or(f64::NEG_INFINITY),
        end_ms: optional(node, "end", |node| time_ms(node, platform))?.unwrap_or(f64::INFINITY),
        rules: optional(node, "rules", |node| {
            list(node, "a list of rules", |rule| {
                Ok(Rule {
                    id: optional(rule, "id", name)?,
                    when: optional(rule, "when", |node| condition(node, platform))?,
                    serve: required(rule, "serve", "the key of a variant or a split", |node| {
                        serve(node, platform, &variant)
                    })?,
                })
            })
        })?
        .unwrap_or_default(),
        default,
        limit,
        salt,
        variants,
    })
}

fn read_variants(node: &Node<'_>) -> Result<Vec<Variant>, Problem> {
    let mut variants: Vec<Variant> = Vec::new();
    if let Value::Object(members) = &node.value {
        for (key, value) in members {
            if !is_name(key) {
                return Err(Problem::new(cut(key, 40), NAME));
            }
            // Of equal keys the last counts, as everywhere.
            variants.retain(|variant| variant.key != *key);
            variants.push(Variant { key: key.as_ref().to_owned(), json: value.raw.to_owned() });
            if variants.len() > MAX_VARIANTS {
                return Err(Problem::new("more variants", "at most 2000 variants"));
            }
        }
    }
    if variants.is_empty() {
        return Err(Problem::at(node, "an object with at least one variant"));
    }
    Ok(variants)
}

fn salt(node: &Node<'_>) -> Result<String, Problem> {
    text(node).ok().filter(|salt| !salt.contains('\0')).ok_or_else(|| Problem::at(node, "a string without NUL"))
}

fn units(node: &Node<'_>) -> Result<Vec<Unit>, Problem> {
    let unit = |node: &Node<'_>| match node.as_str() {
        Some("distinctId") => Ok(Unit::DistinctId),
        Some("deviceId") => Ok(Unit::DeviceId),
        Some("anonymousId") => Ok(Unit::AnonymousId),
        Some(path) if !path.is_empty() => Ok(Unit::Attribute(path.to_owned())),
        _ => Err(Problem::at(node, "distinctId, deviceId, anonymousId or the name of an attribute")),
    };
    match &node.value {
        Value::Array(items) if !items.is_empty() => list(node, "", unit),
        _ => unit(node).map(|unit| vec![unit]),
    }
}

fn serve(
    node: &Node<'_>,
    platform: Platform,
    variant: &impl Fn(&Node<'_>) -> Result<usize, Problem>,
) -> Result<Serve, Problem> {
    if !matches!(node.value, Value::Array(_)) {
        return variant(node).map(Serve::Variant);
    }
    let split = list(node, "", |entry| {
        Ok((
            required(entry, "variant", "the key of a variant", variant)?,
            required(entry, "weight", "a weight", |node| {
                thousandths(node, MAX_WEIGHT_THOUSANDTHS, "0 to 1000000 with at most 3 decimals", platform)
            })?,
        ))
    })?;
    if split.len() > MAX_SPLIT || split.iter().all(|(_, weight)| *weight == 0) {
        return Err(Problem::at(node, "1 to 1000 variants with a weight above 0 in sum"));
    }
    Ok(Serve::Split(split))
}

fn condition(node: &Node<'_>, platform: Platform) -> Result<Condition, Problem> {
    let several = |node| list(node, "a list of conditions", |item| condition(item, platform));
    if let Some(all) = optional(node, "all", several)? {
        return Ok(Condition::All(all));
    }
    if let Some(any) = optional(node, "any", several)? {
        return Ok(Condition::Any(any));
    }
    if let Some(not) = optional(node, "not", |node| condition(node, platform))? {
        return Ok(Condition::Not(Box::new(not)));
    }
    let Some(name) = optional(node, "attribute", text)? else {
        return Err(Problem::at(node, "a condition: all, any, not or attribute"));
    };
    let ignore_case = optional(node, "ignoreCase", boolean)?.unwrap_or(false);
    let (operator, operand_kind) = required(node, "op", "an operator", operator)?;
    let value =
        |expected, read: &dyn Fn(&Node<'_>) -> Result<Operand, Problem>| required(node, "value", expected, read);
    let fold = |text: &str| if ignore_case { (platform.lower_case)(text) } else { text.to_owned() };
    let scalar = |node: &Node<'_>| match &node.value {
        Value::Bool(value) => Ok(Scalar::Bool(*value)),
        Value::String(text) => Ok(Scalar::Text(fold(text))),
        _ => number(node, platform)
            .map(Scalar::Number)
            .map_err(|_| Problem::at(node, "a string, a number, true or false")),
    };
    let folded = |node: &Node<'_>| node.as_str().map(fold).ok_or_else(|| Problem::at(node, "a string"));
    let operand = match operand_kind {
        OperandKind::None => Operand::None,
        OperandKind::Number => value("a number", &|node| number(node, platform).map(Operand::Number))?,
        OperandKind::Texts => {
            value("a string or a list of strings", &|node| Ok(Operand::Texts(one_or_more(node, &folded)?)))?
        }
        OperandKind::Scalars => {
            value("a scalar or a list of scalars", &|node| Ok(Operand::Scalars(one_or_more(node, &scalar)?)))?
        }
        OperandKind::List => {
            value("a list of scalars", &|node| Ok(Operand::Scalars(list(node, "a list of scalars", scalar)?)))?
        }
    };
    Ok(Condition::Attribute { name, operator, operand, ignore_case })
}

enum OperandKind {
    None,
    Number,
    Texts,
    Scalars,
    List,
}

fn operator(node: &Node<'_>) -> Result<(Operator, OperandKind), Problem> {
    Ok(match node.as_str() {
        Some("eq") => (Operator::Eq, OperandKind::Scalars),
        Some("neq") => (Operator::Neq, OperandKind::Scalars),
        Some("in") => (Operator::Eq, OperandKind::List),
        Some("notIn") => (Operator::Neq, OperandKind::List),
        Some("contains") => (Operator::Contains, OperandKind::Texts),
        Some("startsWith") => (Operator::StartsWith, OperandKind::Texts),
        Some("endsWith") => (Operator::EndsWith, OperandKind::Texts),
        Some("lt") => (Operator::Lt, OperandKind::Number),
        Some("lte") => (Operator::Lte, OperandKind::Number),
        Some("gt") => (Operator::Gt, OperandKind::Number),
        Some("gte") => (Operator::Gte, OperandKind::Number),
        Some("exists") => (Operator::Exists, OperandKind::None),
        Some("notExists") => (Operator::NotExists, OperandKind::None),
        _ => return Err(Problem::at(node, "a known operator")),
    })
}

fn one_or_more<T>(node: &Node<'_>, read: &dyn Fn(&Node<'_>) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    match node.value {
        Value::Array(_) => list(node, "", read),
        _ => read(node).map(|one| vec![one]),
    }
}
