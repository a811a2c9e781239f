//! Opens the log, begins it, and runs its threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{unbounded, Sender};
use raft::eraftpb::{ConfState, Entry, HardState, SnapshotMetadata};
use raft::{Config, RawNode};

use crate::applier;
use crate::change::{key, Change};
use crate::copies::Copies;
use crate::driver::{Driver, Input, Rounds, MESSAGE_BYTES_MAX};
use crate::host::{Host, Standing};
use crate::status::Status;
use crate::store::{load, Store};
use crate::writer::Writer;

/// Appends under way to one follower: with `MESSAGE_BYTES_MAX` this bounds what waits for it.
const APPENDS_UNDER_WAY: usize = 32;
const COMMITTED_BYTES_AT_ONCE: u64 = 4 << 20;

pub struct Times {
    pub tick: Duration,
    pub heartbeat_ticks: usize,
    pub election_ticks: usize,
}

/// What lay on the drives.
#[derive(Default)]
pub struct Recovered {
    /// 0: nothing.
    pub member: u64,
    pub first: u64,
    pub last: u64,
    /// Of a snapshot that has to be put in place before the start; 0: none.
    pub pending: u64,
}

/// What a log knows of its cluster.
pub struct Standpoint {
    pub voters: Vec<u64>,
    pub term: u64,
    pub committed: u64,
    pub last: u64,
}

pub struct Engine {
    host: Arc<dyn Host>,
    pub copies: Arc<Copies>,
    pub status: Arc<Mutex<Status>>,
    inputs: OnceLock<Sender<Input>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    pub fn open(
        drives: &[(u16, PathBuf)],
        file_bytes: u64,
        host: Arc<dyn Host>,
        events: Arc<dyn crate::copies::DriveEvents>,
    ) -> Result<Engine, String> {
        Ok(Engine {
            copies: Arc::new(Copies::open(drives, file_bytes, events)?),
            host,
            status: Arc::default(),
            inputs: OnceLock::new(),
            threads: Mutex::default(),
        })
    }

    pub fn recovered(&self) -> Result<Recovered, String> {
        let member = self.copies.get(key::MEMBER).unwrap_or_default();
        let base: SnapshotMetadata = load(&self.copies, key::BASE)?.unwrap_or_default();
        let pending: SnapshotMetadata = load(&self.copies, key::PENDING)?.unwrap_or_default();
        Ok(Recovered {
            member: member.try_into().map_or(0, u64::from_le_bytes),
            first: base.index + 1,
            last: self.copies.last_index().max(base.index),
            pending: pending.index,
        })
    }

    /// The log of a member that has none. Without voters it waits to be sent everything; with them it is one of those
    /// that begin, after entry `index`, which all of them agree on.
    pub fn begin(&self, member: u64, voters: Vec<u64>, index: u64) -> Result<(), String> {
        let mut change = Change::default();
        change.puts.push((key::MEMBER, member.to_le_bytes().to_vec()));
        if !voters.is_empty() {
            let mut base = SnapshotMetadata {
                index,
                term: 1,
                ..Default::default()
            };
            base.mut_conf_state().voters = voters;
            let hard = HardState {
                term: 1,
                commit: index,
                ..Default::default()
            };
            change.put(key::BASE, &base)?;
            change.put(key::MEMBERS, &base)?;
            change.put(key::HARD, &hard)?;
        }
        self.copies.write(&change, true)
    }

    pub fn standpoint(&self) -> Result<Standpoint, String> {
        let store = Store::open(self.copies.clone())?;
        Ok(Standpoint {
            voters: store.members.voters.to_vec(),
            term: store.hard.term,
            committed: store.hard.commit,
            last: store.last(),
        })
    }

    /// The cluster is this member alone from here on. All that its log holds stands: what was acknowledged anywhere, as
    /// far as it came here, and what was not. Changes of members among it are passed over, being older than this one.
    /// `data` follows it, in a term that none of the others has seen and in the same write, so that no start can miss it.
    pub fn stand_alone(&self, data: Bytes) -> Result<(), String> {
        let found = self.recovered()?;
        if found.member == 0 || found.last == 0 {
            return Err("the log has never held anything".into());
        }
        if found.pending != 0 {
            return Err("a snapshot was being put in place when the node ended".into());
        }
        let mut store = Store::open(self.copies.clone())?;
        let mut members = ConfState::default();
        members.voters.push(found.member);
        store.base.set_conf_state(members.clone());
        let entry = Entry {
            term: store.hard.term + 1,
            index: found.last + 1,
            data,
            ..Default::default()
        };
        store.hard.term = entry.term;
        store.hard.vote = 0;
        let mut change = store.set_members(entry.index, members)?;
        change.put(key::BASE, &store.base)?;
        change.put(key::HARD, &store.hard)?;
        change.entries.push(entry);
        self.copies.write(&change, true)
    }

    fn end_pending(&self, store: &mut Store, applied: u64) -> Result<(), String> {
        let Some(pending) = load::<SnapshotMetadata>(&self.copies, key::PENDING)? else {
            return Ok(());
        };
        let change = if applied >= pending.index && pending.index > store.base.index {
            store.begin_after(&pending)?
        } else {
            Change {
                deletes: vec![key::PENDING],
                ..Default::default()
            }
        };
        self.copies.write(&change, true)
    }

    /// `applied`: the state has all entries up to it. `start` tells this start from all earlier ones.
    pub fn start(&self, times: &Times, applied: u64, start: u64) -> Result<(), String> {
        let mut store = Store::open(self.copies.clone())?;
        self.end_pending(&mut store, applied)?;
        if applied > store.last() || applied < store.base.index {
            let (first, last) = (store.first(), store.last());
            return Err(format!(
                "the state has entry {applied}, the log entries {first} to {last}"
            ));
        }
        store.hard.commit = store.hard.commit.max(applied);
        let config = Config {
            id: self.recovered()?.member,
            election_tick: times.election_ticks,
            heartbeat_tick: times.heartbeat_ticks,
            applied,
            max_size_per_msg: MESSAGE_BYTES_MAX as u64,
            max_inflight_msgs: APPENDS_UNDER_WAY,
            max_committed_size_per_ready: COMMITTED_BYTES_AT_ONCE,
            check_quorum: true,
            pre_vote: true,
            ..Default::default()
        };
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let node = RawNode::new(&config, store, &silent).map_err(|e| e.to_string())?;
        self.spawn(node, times.tick, start).map_err(|e| e.to_string())
    }

    fn spawn(&self, node: RawNode<Store>, tick: Duration, start: u64) -> std::io::Result<()> {
        let (inputs, taken) = unbounded();
        let (writer, writer_jobs) = unbounded();
        let (applier, applier_jobs) = unbounded();
        let mut threads = Vec::new();
        let to_raft = Writer {
            copies: self.copies.clone(),
            host: self.host.clone(),
            jobs: writer_jobs,
            raft: inputs.clone(),
        };
        threads.push(
            thread::Builder::new()
                .name("raft-log".into())
                .spawn(move || to_raft.run())?,
        );
        let (host, raft) = (self.host.clone(), inputs.clone());
        let apply = move || applier::run(host, applier_jobs, raft);
        threads.push(thread::Builder::new().name("raft-apply".into()).spawn(apply)?);
        let (host, status) = (self.host.clone(), self.status.clone());
        let drive = move || {
            Driver {
                node,
                host,
                inputs: taken,
                writer,
                applier,
                status,
                tick,
                start,
                rounds: Rounds::default(),
                standing: Standing::default(),
                snapshots_sent: Default::default(),
                fetching: None,
                snapshot_asked: false,
                proposals: Vec::new(),
            }
            .run()
        };
        threads.push(thread::Builder::new().name("raft".into()).spawn(drive)?);
        *self.threads.lock().unwrap_or_else(|e| e.into_inner()) = threads;
        let _ = self.inputs.set(inputs);
        Ok(())
    }

    pub fn send(&self, input: Input) {
        if let Some(inputs) = self.inputs.get() {
            let _ = inputs.send(input);
        }
    }

    /// Ends the threads: the writer's and the applier's end with what was given to them.
    pub fn stop(&self) {
        self.send(Input::Stop);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|e| e.into_inner()));
        for thread in threads {
            let _ = thread.join();
        }
    }

    pub fn close(self) {
        self.stop();
        if let Some(copies) = Arc::into_inner(self.copies) {
            copies.close();
        }
    }
}
