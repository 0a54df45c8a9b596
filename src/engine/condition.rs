//! One targeting condition against the context.

use super::attributes::{Attribute, Context};
use super::platform::Platform;
use super::ruleset::{Condition, Operand, Operator, Scalar};

/// Whether the context fulfils the condition.
///
/// A missing attribute makes every operator false except `notExists`. `eq`, `neq`, `in` and `notIn` compare scalars,
/// and scalars of different types are unequal; every other operator is false on another type than its own.
pub fn is_met(condition: &Condition, context: Context<'_>, platform: Platform) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|condition| is_met(condition, context, platform)),
        Condition::Any(any) => any.iter().any(|condition| is_met(condition, context, platform)),
        Condition::Not(not) => !is_met(not, context, platform),
        Condition::Attribute { name, operator, operand, ignore_case } => match context.attribute(name) {
            None => *operator == Operator::NotExists,
            Some(Attribute::Text(text)) if *ignore_case => {
                compare(Attribute::Text(&(platform.lower_case)(text)), *operator, operand)
            }
            Some(attribute) => compare(attribute, *operator, operand),
        },
    }
}

fn compare(attribute: Attribute<'_>, operator: Operator, operand: &Operand) -> bool {
    match (operand, attribute) {
        (Operand::None, _) => operator == Operator::Exists,
        (Operand::Scalars(_), Attribute::Other) => false,
        (Operand::Scalars(scalars), _) => {
            let equal = scalars.iter().any(|scalar| match (scalar, attribute) {
                (Scalar::Bool(expected), Attribute::Bool(found)) => *expected == found,
                (Scalar::Number(expected), Attribute::Number(found)) => *expected == found,
                (Scalar::Text(expected), Attribute::Text(found)) => expected == found,
                _ => false,
            });
            equal == (operator == Operator::Eq)
        }
        (Operand::Texts(texts), Attribute::Text(found)) => texts.iter().any(|expected| match operator {
            Operator::StartsWith => found.starts_with(expected.as_str()),
            Operator::EndsWith => found.ends_with(expected.as_str()),
            _ => found.contains(expected.as_str()),
        }),
        (Operand::Number(expected), Attribute::Number(found)) => match operator {
            Operator::Lt => found < *expected,
            Operator::Lte => found <= *expected,
            Operator::Gt => found > *expected,
            _ => found >= *expected,
        },
        _ => false,
    }
}
