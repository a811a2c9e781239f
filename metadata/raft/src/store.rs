//! The log as Raft reads it: what it has, recent entries in memory, and a snapshot when there is one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

use protobuf::Message;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use crate::change::{key, Change};
use crate::copies::Copies;

/// Entries kept in memory for followers, beside those that are not written yet.
const CACHE_BYTES_MAX: usize = 16 << 20;

pub struct Store {
    copies: Arc<Copies>,
    pub hard: HardState,
    /// Before the first entry: its index and term, and the members as of then.
    pub base: SnapshotMetadata,
    /// The members now.
    pub members: ConfState,
    pub members_index: u64,
    /// What the members were from which entry on, as far back as a snapshot may ask.
    history: VecDeque<(u64, ConfState)>,
    last: u64,
    cache: VecDeque<Entry>,
    cache_bytes: usize,
    /// Entries up to it are on drives, and may leave the memory.
    written: u64,
    snapshot: RefCell<Option<Snapshot>>,
    pub snapshot_wanted: Cell<bool>,
}

pub fn load<M: Message>(copies: &Copies, key: &[u8]) -> Result<Option<M>, String> {
    match copies.get(key) {
        None => Ok(None),
        Some(bytes) => M::parse_from_bytes(&bytes)
            .map(Some)
            .map_err(|e| format!("{}: {e}", String::from_utf8_lossy(key))),
    }
}

fn failure(why: String) -> raft::Error {
    raft::Error::Store(StorageError::Other(why.into()))
}

fn weight(entry: &Entry) -> usize {
    entry.data.len() + std::mem::size_of::<Entry>()
}

impl Store {
    pub fn open(copies: Arc<Copies>) -> Result<Store, String> {
        let base: SnapshotMetadata = load(&copies, key::BASE)?.unwrap_or_default();
        let members: SnapshotMetadata = load(&copies, key::MEMBERS)?.unwrap_or_default();
        let last = copies.last_index().max(base.index);
        Ok(Store {
            hard: load(&copies, key::HARD)?.unwrap_or_default(),
            members: members.get_conf_state().clone(),
            members_index: members.index,
            history: VecDeque::from([(members.index, members.get_conf_state().clone())]),
            base,
            last,
            cache: VecDeque::new(),
            cache_bytes: 0,
            written: last,
            snapshot: RefCell::new(None),
            snapshot_wanted: Cell::new(false),
            copies,
        })
    }

    pub fn first(&self) -> u64 {
        self.base.index + 1
    }

    pub fn last(&self) -> u64 {
        self.last
    }

    /// Entries that Raft may read from now on, though they are not written yet.
    pub fn append(&mut self, entries: &[Entry]) {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return;
        };
        while self.cache.back().is_some_and(|entry| entry.index >= first.index) {
            self.pop(VecDeque::pop_back);
        }
        self.written = self.written.min(first.index - 1);
        self.last = last.index;
        for entry in entries {
            self.cache_bytes += weight(entry);
            self.cache.push_back(entry.clone());
        }
    }

    fn pop(&mut self, take: fn(&mut VecDeque<Entry>) -> Option<Entry>) {
        if let Some(entry) = take(&mut self.cache) {
            self.cache_bytes -= weight(&entry);
        }
    }

    /// Entries up to `index` are on drives.
    pub fn written(&mut self, index: u64) {
        self.written = self.written.max(index.min(self.last));
        while self.cache_bytes > CACHE_BYTES_MAX && self.cache.front().is_some_and(|entry| entry.index <= self.written)
        {
            self.pop(VecDeque::pop_front);
        }
    }

    pub fn set_members(&mut self, index: u64, members: ConfState) -> Result<Change, String> {
        self.history.push_back((index, members.clone()));
        self.members = members;
        self.members_index = index;
        let mut change = Change::default();
        change.put(key::MEMBERS, &self.members_row())?;
        Ok(change)
    }

    fn members_row(&self) -> SnapshotMetadata {
        let mut row = SnapshotMetadata {
            index: self.members_index,
            ..Default::default()
        };
        row.set_conf_state(self.members.clone());
        row
    }

    fn members_at(&self, index: u64) -> &ConfState {
        let known = self.history.iter().rev().find(|(from, _)| *from <= index);
        known.map_or(&self.members, |(_, members)| members)
    }

    /// The log begins after entry `index` from now on. Nothing where that is no change.
    pub fn compact(&mut self, index: u64) -> Result<Option<Change>, String> {
        let held = self.snapshot.borrow().as_ref().map(|it| it.get_metadata().index);
        let index = index.min(held.unwrap_or(index));
        if index <= self.base.index {
            return Ok(None);
        }
        self.base.term = self.term(index).map_err(|e| e.to_string())?;
        self.base.index = index;
        self.base.set_conf_state(self.members_at(index).clone());
        while self.history.len() > 1 && self.history[1].0 <= index {
            self.history.pop_front();
        }
        while self.cache.front().is_some_and(|entry| entry.index <= index) {
            self.pop(VecDeque::pop_front);
        }
        let mut change = Change {
            first_index: Some(index + 1),
            ..Default::default()
        };
        change.put(key::BASE, &self.base)?;
        Ok(Some(change))
    }

    /// The log is what comes after a snapshot.
    pub fn begin_after(&mut self, snapshot: &SnapshotMetadata) -> Result<Change, String> {
        self.base = snapshot.clone();
        self.members = snapshot.get_conf_state().clone();
        self.members_index = snapshot.index;
        self.history = VecDeque::from([(snapshot.index, self.members.clone())]);
        self.last = snapshot.index;
        self.written = snapshot.index;
        self.cache.clear();
        self.cache_bytes = 0;
        self.hard.commit = self.hard.commit.max(snapshot.index);
        let mut change = Change {
            first_index: Some(snapshot.index + 1),
            deletes: vec![key::PENDING],
            ..Default::default()
        };
        change.put(key::BASE, &self.base)?;
        change.put(key::MEMBERS, &self.members_row())?;
        change.put(key::HARD, &self.hard)?;
        Ok(change)
    }

    /// A snapshot that followers may fetch. One older than the log is of no use.
    pub fn offer_snapshot(&mut self, index: u64, name: Vec<u8>) {
        self.snapshot_wanted.set(false);
        let Ok(term) = self.term(index) else { return };
        let mut snapshot = Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = index;
        metadata.term = term;
        metadata.set_conf_state(self.members_at(index).clone());
        snapshot.data = name.into();
        self.snapshot.replace(Some(snapshot));
    }

    pub fn withdraw_snapshot(&mut self) {
        self.snapshot_wanted.set(false);
        self.snapshot.replace(None);
    }
}

impl Storage for Store {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard.clone(), self.members.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low < self.first() {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        let max = max_size.into().map_or(usize::MAX, |bytes| bytes as usize);
        let cached = self.cache.front().map_or(u64::MAX, |front| front.index);
        if low < cached {
            // No further than the memory's first: what lies in memory may not be on drives yet. Raft asks for the rest.
            return self.copies.entries(low, high.min(cached), Some(max)).map_err(failure);
        }
        let mut bytes = 0;
        let mut entries = Vec::new();
        for entry in self.cache.range((low - cached) as usize..(high - cached) as usize) {
            bytes += weight(entry);
            if !entries.is_empty() && bytes > max {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.base.index {
            return Ok(self.base.term);
        }
        if index < self.base.index {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        if index > self.last {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        if let Some(front) = self.cache.front().filter(|front| index >= front.index) {
            return Ok(self.cache[(index - front.index) as usize].term);
        }
        let entries = self.copies.entries(index, index + 1, None).map_err(failure)?;
        let entry = entries.first();
        entry
            .map(|entry| entry.term)
            .ok_or_else(|| failure(format!("entry {index} is gone")))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last)
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        if let Some(snapshot) = &*self.snapshot.borrow() {
            let index = snapshot.get_metadata().index;
            let members = snapshot.get_metadata().get_conf_state();
            // One from before it was let in is refused by who gets it.
            let knows_it = members.voters.contains(&to) || members.learners.contains(&to);
            if knows_it && index >= self.base.index && index >= request_index {
                return Ok(snapshot.clone());
            }
        }
        self.snapshot_wanted.set(true);
        Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable))
    }
}
