//! Where the log stands, for those who look from outside.

use raft::{ProgressState, RawNode, StateRole};

use crate::host::Standing;
use crate::store::Store;

#[derive(Clone, Copy)]
pub struct Member {
    pub id: u64,
    pub voter: bool,
    /// By the leader alone: the last entry it is known to have, and whether it was heard of lately.
    pub matched: u64,
    pub active: bool,
    pub needs_snapshot: bool,
}

#[derive(Default)]
pub struct Status {
    pub standing: Standing,
    pub committed: u64,
    pub first: u64,
    pub last: u64,
    pub failed: bool,
    pub members: Vec<Member>,
}

pub fn member_list(node: &RawNode<Store>) -> Vec<Member> {
    let leads = node.raft.state == StateRole::Leader;
    let members = &node.store().members;
    let listed = |ids: &[u64], voter: bool| -> Vec<Member> {
        ids.iter()
            .map(|&id| {
                let progress = node.raft.prs().get(id).filter(|_| leads);
                Member {
                    id,
                    voter,
                    matched: progress.map_or(0, |it| it.matched),
                    active: id == node.raft.id || progress.is_some_and(|it| it.recent_active),
                    needs_snapshot: progress.is_some_and(|it| it.state == ProgressState::Snapshot),
                }
            })
            .collect()
    };
    let mut all = listed(&members.voters, true);
    all.extend(listed(&members.learners, false));
    all
}
