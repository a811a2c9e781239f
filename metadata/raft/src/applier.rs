//! The thread that hands committed entries on, in order.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use raft::eraftpb::{Entry, EntryType};

use crate::driver::Input;
use crate::host::{Committed, Host};

pub enum Job {
    Entries(Vec<Entry>),
    /// After all before it: the state is replaced by a snapshot. Answered when that is done.
    Install(u64, Sender<bool>),
}

pub fn run(host: Arc<dyn Host>, jobs: Receiver<Job>, raft: Sender<Input>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Entries(entries) => {
                let committed: Vec<Committed> = entries
                    .iter()
                    .map(|entry| Committed {
                        index: entry.index,
                        data: match entry.get_entry_type() {
                            EntryType::EntryNormal => &entry.data,
                            _ => &[],
                        },
                    })
                    .collect();
                host.committed(&committed);
                if let Some(last) = committed.last() {
                    let _ = raft.send(Input::Applied(last.index));
                }
            }
            Job::Install(index, done) => {
                let _ = done.send(host.install(index));
            }
        }
    }
}
