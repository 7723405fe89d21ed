//! What an edit makes of a layer.
//!
//! Invariant: each value is read by itself first, so that the words about a wrong one name its key.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Edit, EditError};
use crate::layer::list_id;
use crate::{Layer, UserPolicy};

/// `before`, which lies over `below`, with the edit made.
pub(super) fn changed(before: &Layer, below: &UserPolicy, edit: &Edit) -> Result<Layer, EditError> {
    let mut values = table(before)?;
    let keys = edit.set.keys().chain(&edit.unset);
    keys.chain(edit.add.keys()).chain(edit.remove.keys()).try_for_each(|key| known(key))?;
    for key in &edit.unset {
        values.remove(key);
    }
    for (key, value) in &edit.set {
        values.insert(key.clone(), read(key, value)?);
    }
    if !edit.add.is_empty() || !edit.remove.is_empty() {
        let mut below = table(&Layer::from(below))?;
        let mut list_of = |values: &mut Map<String, Value>, key: &str| match values
            .remove(key)
            .or_else(|| below.remove(key))
        {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(unreadable(format!("'{key}' is no list; set its value"))),
        };
        for (key, items) in &edit.remove {
            let mut list = list_of(&mut values, key)?;
            for item in items_of(key, items)? {
                let before = list.len();
                list.retain(|had| !is_same(key, had, &item));
                if list.len() == before {
                    return Err(unreadable(format!(
                        "'{key}' has no {item}, so it can't be removed"
                    )));
                }
            }
            values.insert(key.clone(), list.into());
        }
        for (key, items) in &edit.add {
            let mut list = list_of(&mut values, key)?;
            for item in items_of(key, items)? {
                if !list.iter().any(|had| is_same(key, had, &item)) {
                    list.push(item);
                }
            }
            values.insert(key.clone(), list.into());
        }
    }
    serde_json::from_value(Value::Object(values)).map_err(|error| unreadable(error.to_string()))
}

fn table(layer: &Layer) -> Result<Map<String, Value>, EditError> {
    match serde_json::to_value(layer).map_err(|error| unreadable(error.to_string()))? {
        Value::Object(values) => Ok(values),
        _ => Err(unreadable("a layer is no table")),
    }
}

fn known(key: &str) -> Result<(), EditError> {
    if Layer::KEYS.contains(&key) {
        return Ok(());
    }
    let remedy = match tidegate_signal::nearest(key, Layer::KEYS.into_iter()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("its settings are: {}", Layer::KEYS.join(", ")),
    };
    Err(unreadable(format!("a policy has no setting '{key}'; {remedy}")))
}

/// A value as a layer has it.
fn read(key: &str, value: &Value) -> Result<Value, EditError> {
    let alone = Value::Object([(key.to_owned(), value.clone())].into_iter().collect());
    let layer: Layer = serde_json::from_value(alone)
        .map_err(|error| unreadable(format!("'{key}' can't be {value}: {error}")))?;
    Ok(table(&layer)?.remove(key).unwrap_or(Value::Null))
}

fn items_of(key: &str, items: &[Value]) -> Result<Vec<Value>, EditError> {
    match read(key, &items.into())? {
        Value::Array(items) => Ok(items),
        _ => Err(unreadable(format!("'{key}' is no list; set its value"))),
    }
}

/// Whether two items of a list mean the same.
fn is_same(key: &str, one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) if key == "trusted_lists" => list_id(one) == list_id(other),
        _ => one == other,
    }
}

fn unreadable(words: impl Into<String>) -> EditError {
    EditError::Unreadable(words.into())
}

/// Each key whose value differs.
pub(super) fn changes(
    before: &Layer,
    after: &Layer,
) -> serde_json::Result<BTreeMap<String, (Value, Value)>> {
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    let value = |layer: &Value, key: &str| layer.get(key).cloned().unwrap_or(Value::Null);
    let both = |key: &str| (value(&before, key), value(&after, key));
    let differ = Layer::KEYS.into_iter().map(|key| (key.to_owned(), both(key)));
    Ok(differ.filter(|(_, (before, after))| before != after).collect())
}
