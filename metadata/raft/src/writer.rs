//! The thread that brings the log to drives, so that Raft goes on while they sync.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use protobuf::Message as _;
use raft::eraftpb::Message;

use crate::change::Change;
use crate::copies::Copies;
use crate::driver::Input;
use crate::host::Host;

/// What one round of Raft wants written.
pub struct Round {
    pub number: u64,
    pub last_index: u64,
    pub change: Change,
    pub sync: bool,
    /// To be sent once it is written.
    pub messages: Vec<Message>,
}

pub enum Job {
    Round(Round),
    /// Beside the rounds, answered when it is synced.
    Now(Change, Sender<Result<(), String>>),
    Purge,
}

/// Small enough that the answers behind a write do not wait long for it.
const BYTES_AT_ONCE: usize = 4 << 20;

pub fn send_all(host: &dyn Host, messages: Vec<Message>) {
    for message in messages {
        // A message that can't be encoded is one that is lost: Raft sends another.
        if let Ok(bytes) = message.write_to_bytes() {
            host.send(message.to, bytes);
        }
    }
}

pub struct Writer {
    pub copies: Arc<Copies>,
    pub host: Arc<dyn Host>,
    pub jobs: Receiver<Job>,
    pub raft: Sender<Input>,
}

impl Writer {
    pub fn run(self) {
        let mut next = self.jobs.recv().ok();
        while let Some(job) = next.take() {
            let result = match job {
                Job::Round(round) => self.write(round, &mut next),
                Job::Now(change, answer) => {
                    let written = self.copies.write(&change, true);
                    let _ = answer.send(written.clone());
                    written
                }
                Job::Purge => {
                    self.copies.purge();
                    Ok(())
                }
            };
            if let Err(why) = result {
                let _ = self.raft.send(Input::Failed(why));
                return;
            }
            if next.is_none() {
                next = self.jobs.recv().ok();
            }
        }
    }

    /// Writes the round and those that wait behind it. `next` is what could not go with them.
    fn write(&self, mut round: Round, next: &mut Option<Job>) -> Result<(), String> {
        let bytes = |round: &Round| round.change.entries.iter().map(|entry| entry.data.len()).sum::<usize>();
        let mut total = bytes(&round);
        while let Ok(job) = self.jobs.try_recv() {
            match job {
                Job::Round(more) if total < BYTES_AT_ONCE && round.change.can_take(&more.change) => {
                    total += bytes(&more);
                    round.number = more.number;
                    round.last_index = more.last_index;
                    round.sync |= more.sync;
                    round.change.take(more.change);
                    round.messages.extend(more.messages);
                }
                other => {
                    *next = Some(other);
                    break;
                }
            }
        }
        if !round.change.is_empty() {
            self.copies.write(&round.change, round.sync)?;
        }
        send_all(&*self.host, round.messages);
        let _ = self.raft.send(Input::Written(round.number, round.last_index));
        Ok(())
    }
}
