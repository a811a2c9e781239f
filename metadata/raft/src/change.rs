//! What is written to the log at once.

use protobuf::Message;
use raft::eraftpb::Entry;
use raft_engine::{Command, LogBatch, MessageExt};

/// raft-engine keeps many logs apart by number; this one is alone.
pub const LOG: u64 = 1;

/// Names of what is kept beside the entries. They are on drives: docs/formats/raft-log.md.
pub mod key {
    /// HardState: term, vote and commit index.
    pub const HARD: &[u8] = b"hard";
    /// SnapshotMetadata: the members, and the index of the entry that made them so.
    pub const MEMBERS: &[u8] = b"members";
    /// SnapshotMetadata: index and term of the entry before the first, and the members as of then.
    pub const BASE: &[u8] = b"base";
    /// SnapshotMetadata of a snapshot that is about to replace state and log.
    pub const PENDING: &[u8] = b"pending";
    /// Eight bytes: the member this log belongs to.
    pub const MEMBER: &[u8] = b"member";
    /// Eight bytes: how many changes were written before, so that the newest copy is known.
    pub const WRITES: &[u8] = b"writes";
    pub const ALL_BUT_WRITES: [&[u8]; 5] = [HARD, MEMBERS, BASE, PENDING, MEMBER];
}

/// Tells raft-engine what an entry is.
#[derive(Clone)]
pub struct EntryKind;

impl MessageExt for EntryKind {
    type Entry = Entry;
    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

/// Written at once, or not at all.
#[derive(Default)]
pub struct Change {
    pub entries: Vec<Entry>,
    pub puts: Vec<(&'static [u8], Vec<u8>)>,
    pub deletes: Vec<&'static [u8]>,
    /// Entries before it go.
    pub first_index: Option<u64>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.puts.is_empty() && self.deletes.is_empty() && self.first_index.is_none()
    }

    pub fn put<M: Message>(&mut self, key: &'static [u8], message: &M) -> Result<(), String> {
        let bytes = message.write_to_bytes().map_err(|e| e.to_string())?;
        self.puts.push((key, bytes));
        Ok(())
    }

    /// Takes what follows into the same write. Not where it replaces entries of this one.
    pub fn can_take(&self, next: &Change) -> bool {
        if self.first_index.is_some() || next.first_index.is_some() {
            return false;
        }
        match (self.entries.last(), next.entries.first()) {
            (Some(last), Some(first)) => last.index + 1 == first.index,
            _ => true,
        }
    }

    pub fn take(&mut self, mut next: Change) {
        self.entries.append(&mut next.entries);
        self.puts.append(&mut next.puts);
        self.deletes.append(&mut next.deletes);
    }

    pub fn to_batch(&self, writes: u64) -> Result<LogBatch, raft_engine::Error> {
        let mut batch = LogBatch::default();
        if let Some(index) = self.first_index {
            batch.add_command(LOG, Command::Compact { index });
        }
        if !self.entries.is_empty() {
            batch.add_entries::<EntryKind>(LOG, &self.entries)?;
        }
        for (key, value) in &self.puts {
            batch.put(LOG, key.to_vec(), value.clone())?;
        }
        for key in &self.deletes {
            batch.delete(LOG, key.to_vec());
        }
        batch.put(LOG, key::WRITES.to_vec(), writes.to_le_bytes().to_vec())?;
        Ok(batch)
    }
}
