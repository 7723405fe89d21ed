//! What the server does in one piece, as scripts of its own language (Lua), and under which names things lie there.
//!
//! | name | kind | holds |
//! | --- | --- | --- |
//! | `tidegate:SPACE:values` | hash | key to value, wrapped as `record.rs` says |
//! | `tidegate:SPACE:keys` | sorted set, all of score 0 | the keys, in the order of their octets |
//! | `tidegate::expiry` | sorted set by seconds since 1970 | space, 0, key |
//! | `tidegate::writes` | hash | space to how often it was written |
//!
//! Keys are named in the script and not declared before: one server, or one and its replicas, not a cluster of
//! Redis.
//!
//! Invariant: a script reads before it writes, and the server runs nothing else meanwhile.

use crate::record::HEADER;
use crate::{Batch, Space};

/// Judges expectations, then makes changes: 1 when written, 0 on a conflict.
///
/// Arguments: how many expectations; of each the space, key, `1` where there must be a value, and the value; of each
/// change the space, key, wrapped value (empty: remove), and when it expires.
pub(super) const WRITE: &str = r"
local function values(space) return 'tidegate:' .. space .. ':values' end
local at = 2
for _ = 1, tonumber(ARGV[1]) do
    local found = redis.call('HGET', values(ARGV[at]), ARGV[at + 1])
    local wanted = ARGV[at + 2] == '1'
    if (found ~= false) ~= wanted then return 0 end
    if wanted and string.sub(found, HEADER + 1) ~= ARGV[at + 3] then return 0 end
    at = at + 4
end
local written = {}
while at <= #ARGV do
    local space, key, value, expires = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local keys, member = 'tidegate:' .. space .. ':keys', space .. '\0' .. key
    if value == '' then
        redis.call('HDEL', values(space), key)
        redis.call('ZREM', keys, key)
    elseif redis.call('HSET', values(space), key, value) == 1 then
        redis.call('ZADD', keys, 0, key)
    end
    if value ~= '' and expires ~= '0' then
        redis.call('ZADD', 'tidegate::expiry', expires, member)
    else
        redis.call('ZREM', 'tidegate::expiry', member)
    end
    written[space] = true
    at = at + 4
end
for space in pairs(written) do redis.call('HINCRBY', 'tidegate::writes', space, 1) end
return 1
";

/// Removes what is due, the oldest first: how many there were. Arguments: now, and the most.
pub(super) const EXPIRE: &str = r"
local due = redis.call('ZRANGEBYSCORE', 'tidegate::expiry', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do
    local split = string.find(member, '\0', 1, true)
    local space, key = string.sub(member, 1, split - 1), string.sub(member, split + 1)
    redis.call('HDEL', 'tidegate:' .. space .. ':values', key)
    redis.call('ZREM', 'tidegate:' .. space .. ':keys', key)
    redis.call('ZREM', 'tidegate::expiry', member)
    redis.call('HINCRBY', 'tidegate::writes', space, 1)
end
return #due
";

/// Keys and values of a piece of a space; nothing where there is none. Arguments: the space, both ends as
/// ZRANGEBYLEX takes them, and the most.
pub(super) const PIECE: &str = r"
local space = 'tidegate:' .. ARGV[1]
local keys = redis.call('ZRANGEBYLEX', space .. ':keys', ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
if #keys == 0 then return false end
return { keys, redis.call('HMGET', space .. ':values', unpack(keys)) }
";

/// The hash of a space's values.
pub(super) fn values(space: Space) -> String {
    format!("tidegate:{}:values", space.name())
}

/// The hash that counts writes.
pub(super) const WRITES: &str = "tidegate::writes";

/// [`WRITE`], with how long the header of a value is.
pub(super) fn write() -> redis::Script {
    redis::Script::new(&WRITE.replace("HEADER", &HEADER.to_string()))
}

/// The arguments by which [`WRITE`] writes `batch`.
pub(super) fn arguments(batch: &Batch) -> Vec<Vec<u8>> {
    let mut arguments =
        Vec::with_capacity(1 + 4 * (batch.expectations.len() + batch.changes.len()));
    arguments.push(batch.expectations.len().to_string().into_bytes());
    for expected in &batch.expectations {
        let wanted = if expected.value.is_some() { "1" } else { "0" };
        arguments.push(expected.space.name().into());
        arguments.push(expected.key.clone());
        arguments.push(wanted.into());
        arguments.push(expected.value.clone().unwrap_or_default());
    }
    for change in &batch.changes {
        let (space, key) = (change.space.name(), &change.key);
        let wrapped = change.value.as_ref();
        let wrapped = wrapped.map(|value| crate::record::wrap(space, key, value, change.expires));
        arguments.push(space.into());
        arguments.push(key.clone());
        arguments.push(wrapped.unwrap_or_default());
        arguments.push(change.expires.to_string().into_bytes());
    }
    arguments
}

/// Where keys that begin with `prefix` end, as ZRANGEBYLEX takes it.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return [b"(", end.as_slice()].concat();
        }
    }
    b"+".to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_its_last_octet_that_can_grow_has_grown() {
        assert_eq!(end_of(b"ab"), b"(ac");
        assert_eq!(end_of(b"a\xff\xff"), b"(b");
        assert_eq!(end_of(b"\xff"), b"+");
        assert_eq!(end_of(b""), b"+");
    }
}
