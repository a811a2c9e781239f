//! The thread that is Raft: it alone touches the consensus state. Drives and the state machine have threads of their own.

use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{bounded, Receiver, RecvTimeoutError, Sender};
use protobuf::Message as _;
use raft::eraftpb::{ConfChange, ConfChangeType, Entry, EntryType, Message, MessageType, Snapshot};
use raft::{RawNode, ReadState, SnapshotStatus, StateRole};

use crate::change::{key, Change};
use crate::copy::panic_text;
use crate::host::{Host, Standing};
use crate::status::{member_list, Status};
use crate::store::Store;
use crate::writer::{send_all, Round};
use crate::{applier, writer};

pub enum Input {
    Propose(Vec<Bytes>),
    Read(u64),
    Message(Vec<u8>),
    /// No member of that number can be reached.
    Unreachable(u64),
    Change(ConfChangeType, u64),
    Transfer(u64),
    Compact(u64),
    SnapshotMade(u64, Vec<u8>),
    SnapshotGone,
    SnapshotFetched(bool),
    SnapshotRefused(u64),
    Applied(u64),
    Written(u64, u64),
    Failed(String),
    Stop,
}

/// What one append carries at most: Raft's own limit on its messages is the same.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Inputs taken between two rounds, so that a flood does not hold back the messages they lead to.
const INPUTS_PER_ROUND: usize = 4096;
/// A follower that was offered a snapshot is offered another when nothing was heard of it for so long.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
pub struct Rounds {
    given: u64,
    written: u64,
    replacing: u64,
}

pub struct Driver {
    pub node: RawNode<Store>,
    pub host: Arc<dyn Host>,
    pub inputs: Receiver<Input>,
    pub writer: Sender<writer::Job>,
    pub applier: Sender<applier::Job>,
    pub status: Arc<Mutex<Status>>,
    pub tick: Duration,
    /// Tells the reads of this process from those of an earlier one.
    pub start: u64,
    /// The last round given to the writer, the last it has written, and the last that replaced entries of another.
    pub rounds: Rounds,
    pub standing: Standing,
    /// Members that were sent a snapshot, and when.
    pub snapshots_sent: HashMap<u64, Instant>,
    /// The message whose snapshot is being fetched.
    pub fetching: Option<Message>,
    pub snapshot_asked: bool,
    /// Proposed together, so that they travel together.
    pub proposals: Vec<Bytes>,
}

impl Driver {
    pub fn run(mut self) {
        let host = self.host.clone();
        let ended = catch_unwind(AssertUnwindSafe(|| self.serve()));
        // Raft panics where its own promises are broken, such as by a log that has lost its tail.
        let result = ended.unwrap_or_else(|payload| Err(panic_text(payload)));
        if let Err(why) = result {
            let mut status = self.status.lock().unwrap_or_else(|e| e.into_inner());
            status.failed = true;
            drop(status);
            host.failed(&why);
        }
    }

    fn serve(&mut self) -> Result<(), String> {
        let mut next_tick = Instant::now() + self.tick;
        self.publish();
        loop {
            let wait = next_tick.saturating_duration_since(Instant::now());
            match self.inputs.recv_timeout(wait) {
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(input) => {
                    let mut input = Some(input);
                    for _ in 0..INPUTS_PER_ROUND {
                        match input.take() {
                            None => break,
                            Some(Input::Stop) => return Ok(()),
                            Some(taken) => self.take(taken)?,
                        }
                        input = self.inputs.try_recv().ok();
                    }
                    if let Some(Input::Stop) = input {
                        return Ok(());
                    } else if let Some(left) = input {
                        self.take(left)?;
                    }
                }
            }
            self.propose();
            let now = Instant::now();
            if now >= next_tick {
                // A machine that stood still for long does not stand for election all at once.
                next_tick = (next_tick + self.tick).max(now);
                self.node.tick();
                self.look_at_snapshots();
                self.host.tick();
                self.publish();
            }
            while self.node.has_ready() {
                self.round()?;
            }
            self.tell_standing();
        }
    }

    fn take(&mut self, input: Input) -> Result<(), String> {
        match input {
            Input::Propose(entries) => self.proposals.extend(entries),
            Input::Read(request) => {
                let mut context = self.node.raft.id.to_le_bytes().to_vec();
                context.extend(self.start.to_le_bytes());
                context.extend(request.to_le_bytes());
                self.node.read_index(context);
            }
            Input::Message(bytes) => self.step(&bytes),
            Input::Unreachable(node) => self.unreachable(node),
            Input::Change(kind, member) => {
                let mut change = ConfChange::default();
                change.set_change_type(kind);
                change.node_id = member;
                // Refused while another is under way: whoever wants it looks at the members, and asks again.
                let _ = self.node.propose_conf_change(Vec::new(), change);
            }
            Input::Transfer(to) => self.node.transfer_leader(to),
            Input::Compact(index) => {
                let index = index.min(self.node.raft.raft_log.applied);
                if let Some(change) = self.node.mut_store().compact(index)? {
                    self.write_beside(change);
                    let _ = self.writer.send(writer::Job::Purge);
                }
            }
            Input::SnapshotMade(index, name) => {
                self.snapshot_asked = false;
                self.node.mut_store().offer_snapshot(index, name);
            }
            Input::SnapshotGone => {
                self.snapshot_asked = false;
                self.node.mut_store().withdraw_snapshot();
            }
            Input::SnapshotFetched(fetched) => {
                if let Some(message) = self.fetching.take().filter(|_| fetched) {
                    let _ = self.node.step(message);
                    // Installed before another can be fetched over it.
                    while self.node.has_ready() {
                        self.round()?;
                    }
                }
            }
            Input::SnapshotRefused(member) => self.snapshot_failed(member),
            Input::Applied(index) => self.applied(index),
            Input::Written(number, last_index) => {
                self.rounds.written = self.rounds.written.max(number);
                // What an older round wrote at these places may have been replaced since.
                if number >= self.rounds.replacing {
                    self.node.mut_store().written(last_index);
                }
                self.node.on_persist_ready(number);
            }
            Input::Failed(why) => return Err(why),
            Input::Stop => {}
        }
        Ok(())
    }

    fn applied(&mut self, index: u64) {
        // A snapshot may have gone beyond it meanwhile.
        if index > self.node.raft.raft_log.applied {
            self.node.advance_apply_to(index);
        }
    }

    fn propose(&mut self) {
        if self.proposals.is_empty() {
            return;
        }
        let mut dropped = false;
        let mut batch = Vec::new();
        let mut bytes = 0;
        for data in std::mem::take(&mut self.proposals) {
            if !batch.is_empty() && bytes + data.len() > MESSAGE_BYTES_MAX {
                dropped |= !self.propose_batch(std::mem::take(&mut batch));
                bytes = 0;
            }
            bytes += data.len();
            batch.push(Entry {
                data,
                ..Default::default()
            });
        }
        dropped |= !self.propose_batch(batch);
        if dropped {
            self.host.dropped();
        }
    }

    /// Each entry keeps its own index: the order of versions is that of the log.
    fn propose_batch(&mut self, entries: Vec<Entry>) -> bool {
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.node.raft.id;
        message.set_entries(entries.into());
        self.node.raft.step(message).is_ok()
    }

    fn step(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::parse_from_bytes(bytes) else {
            return;
        };
        // A node that was wiped has another number than before: what was meant for that one is not for this.
        if message.to != self.node.raft.id {
            return;
        }
        if message.get_msg_type() == MessageType::MsgSnapshot {
            return self.fetch(message);
        }
        let _ = self.node.step(message);
    }

    /// The files come first; Raft hears of the snapshot when they are here.
    fn fetch(&mut self, message: Message) {
        let metadata = message.get_snapshot().get_metadata();
        if self.fetching.is_some() || metadata.index <= self.node.raft.raft_log.committed {
            // What is known to be committed needs no snapshot: Raft says so to the leader.
            if self.fetching.is_none() {
                let _ = self.node.step(message);
            }
            return;
        }
        let (from, index) = (message.from, metadata.index);
        let name = message.get_snapshot().data.clone();
        self.fetching = Some(message);
        self.host.snapshot_offered(from, index, &name);
    }

    fn unreachable(&mut self, node: u64) {
        let members: Vec<u64> = self.node.raft.prs().iter().map(|(id, _)| *id).collect();
        for member in members {
            if member & u64::from(u32::MAX) == node {
                self.node.report_unreachable(member);
                self.snapshot_failed(member);
            }
        }
    }

    fn snapshot_failed(&mut self, member: u64) {
        if self.snapshots_sent.remove(&member).is_some() {
            self.node.report_snapshot(member, SnapshotStatus::Failure);
        }
    }

    fn look_at_snapshots(&mut self) {
        let late: Vec<u64> = self
            .snapshots_sent
            .iter()
            .filter(|(_, sent)| sent.elapsed() > SNAPSHOT_PATIENCE)
            .map(|(member, _)| *member)
            .collect();
        for member in late {
            self.snapshot_failed(member);
        }
        if self.node.store().snapshot_wanted.get() && !self.snapshot_asked {
            self.snapshot_asked = true;
            self.host.snapshot_wanted();
        }
    }

    fn send(&mut self, messages: Vec<Message>) {
        for message in &messages {
            if message.get_msg_type() == MessageType::MsgSnapshot {
                self.snapshots_sent.insert(message.to, Instant::now());
            }
        }
        send_all(&*self.host, messages);
    }

    fn round(&mut self) -> Result<(), String> {
        let mut ready = self.node.ready();
        self.send(ready.take_messages());
        let snapshot = ready.snapshot().clone();
        if !snapshot.is_empty() {
            self.install(&snapshot)?;
        }
        self.answer_reads(ready.take_read_states());
        self.commit(ready.take_committed_entries())?;

        let mut change = Change::default();
        if let Some(hard) = ready.hs() {
            self.node.mut_store().hard = hard.clone();
            change.put(key::HARD, hard)?;
        }
        change.entries = ready.take_entries();
        if change
            .entries
            .first()
            .is_some_and(|entry| entry.index <= self.node.store().last())
        {
            self.rounds.replacing = ready.number();
        }
        self.node.mut_store().append(&change.entries);
        let round = Round {
            number: ready.number(),
            last_index: self.node.store().last(),
            sync: ready.must_sync(),
            messages: ready.take_persisted_messages(),
            change,
        };
        self.node.advance_append_async(ready);
        if !snapshot.is_empty() {
            return self.end_install(snapshot.get_metadata().index, round);
        }
        if self.rounds.given == self.rounds.written && round.change.is_empty() {
            self.node.on_persist_ready(round.number);
            self.send(round.messages);
            return Ok(());
        }
        self.rounds.given = round.number;
        let _ = self.writer.send(writer::Job::Round(round));
        Ok(())
    }

    /// All that was given to the writer before is written by now: the install waited for it.
    fn end_install(&mut self, index: u64, round: Round) -> Result<(), String> {
        if !round.change.is_empty() {
            self.write_now(round.change)?;
        }
        self.node.on_persist_ready(round.number);
        self.applied(index);
        self.send(round.messages);
        self.publish();
        Ok(())
    }

    /// In order with the rounds, and nothing waits for it.
    fn write_beside(&mut self, change: Change) {
        let (answer, _) = bounded(1);
        let _ = self.writer.send(writer::Job::Now(change, answer));
    }

    fn write_now(&mut self, change: Change) -> Result<(), String> {
        let (answer, written) = bounded(1);
        let _ = self.writer.send(writer::Job::Now(change, answer));
        written.recv().map_err(|_| "the log's writer has ended".to_string())?
    }

    /// Recorded first, so that the next start ends what a crash cuts short.
    fn install(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let mut pending = Change::default();
        pending.put(key::PENDING, snapshot.get_metadata())?;
        self.write_now(pending)?;
        let (answer, installed) = bounded(1);
        let index = snapshot.get_metadata().index;
        let _ = self.applier.send(applier::Job::Install(index, answer));
        if installed.recv() != Ok(true) {
            return Err(format!("the snapshot of entry {index} could not be taken"));
        }
        let change = self.node.mut_store().begin_after(snapshot.get_metadata())?;
        self.write_now(change)
    }

    fn answer_reads(&mut self, states: Vec<ReadState>) {
        for state in states {
            let context = &state.request_ctx;
            if context.len() != 24 || context[8..16] != self.start.to_le_bytes() {
                continue;
            }
            let mut request = [0; 8];
            request.copy_from_slice(&context[16..]);
            self.host.read_ready(u64::from_le_bytes(request), state.index);
        }
    }

    fn commit(&mut self, entries: Vec<Entry>) -> Result<(), String> {
        for entry in &entries {
            if entry.get_entry_type() == EntryType::EntryConfChange {
                self.change_members(entry)?;
            }
        }
        if !entries.is_empty() {
            let _ = self.applier.send(applier::Job::Entries(entries));
        }
        Ok(())
    }

    /// On drives before the state can be: a start that finds the entry applied must know what it did.
    fn change_members(&mut self, entry: &Entry) -> Result<(), String> {
        if entry.index <= self.node.store().members_index {
            return Ok(());
        }
        let change = ConfChange::parse_from_bytes(&entry.data).map_err(|e| e.to_string())?;
        // One that Raft refuses is refused by all members alike.
        if let Ok(members) = self.node.apply_conf_change(&change) {
            let change = self.node.mut_store().set_members(entry.index, members)?;
            self.write_now(change)?;
            self.publish();
        }
        Ok(())
    }

    fn tell_standing(&mut self) {
        let standing = Standing {
            leads: self.node.raft.state == StateRole::Leader,
            leader: self.node.raft.leader_id,
            term: self.node.raft.term,
        };
        if standing != self.standing {
            self.standing = standing;
            if !standing.leads {
                self.snapshots_sent.clear();
            }
            self.publish();
            self.host.standing_changed(standing);
        }
    }

    fn publish(&mut self) {
        let members = member_list(&self.node);
        let mut status = self.status.lock().unwrap_or_else(|e| e.into_inner());
        status.standing = self.standing;
        status.committed = self.node.raft.raft_log.committed;
        status.first = self.node.store().first();
        status.last = self.node.store().last();
        status.members = members;
    }
}
