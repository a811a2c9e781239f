//! What the log tells the process it lives in: its callbacks, as a trait.

use crate::copies::DriveEvents;

#[derive(Clone, Copy, Default, PartialEq)]
pub struct Standing {
    pub leads: bool,
    /// 0: none is known.
    pub leader: u64,
    pub term: u64,
}

pub struct Committed<'a> {
    pub index: u64,
    /// Empty where the entry changes nothing but the log.
    pub data: &'a [u8],
}

/// Threads: as each says. Calls must return at once where nothing else is said.
pub trait Host: DriveEvents {
    /// In order, each once. On a thread of its own; may wait.
    fn committed(&self, entries: &[Committed]);
    /// Replace the state by the snapshot that was fetched last. Like `committed`. Whether that was done.
    fn install(&self, index: u64) -> bool;
    /// Everything answered before the request was made lies up to `index`.
    fn read_ready(&self, request: u64, index: u64);
    /// A message for the member. From any thread.
    fn send(&self, to: u64, message: Vec<u8>);
    fn standing_changed(&self, standing: Standing);
    /// Proposals were dropped: there is no leader to give them to.
    fn dropped(&self);
    /// A follower needs a snapshot: `offer_snapshot` or `withdraw_snapshot` are to be called.
    fn snapshot_wanted(&self);
    /// The leader has a snapshot for us: `snapshot_fetched` is to be called.
    fn snapshot_offered(&self, from: u64, index: u64, name: &[u8]);
    fn tick(&self);
    /// Nothing goes on any more.
    fn failed(&self, why: &str);
}
