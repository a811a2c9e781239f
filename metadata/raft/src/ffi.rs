//! The C ABI. What each function does is said in include/firn_raft.h; the two change together.

use std::ffi::{c_char, c_void, CStr, CString};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft::eraftpb::ConfChangeType;

use crate::copies::DriveEvents;
use crate::driver::Input;
use crate::engine::{Engine, Times};
use crate::host::{Committed, Host, Standing};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FirnRaftBytes {
    data: *const u8,
    size: usize,
}

#[repr(C)]
pub struct FirnRaftEntry {
    index: u64,
    data: FirnRaftBytes,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FirnRaftCallbacks {
    context: *mut c_void,
    committed: unsafe extern "C" fn(*mut c_void, *const FirnRaftEntry, usize),
    install: unsafe extern "C" fn(*mut c_void, u64) -> bool,
    read_ready: unsafe extern "C" fn(*mut c_void, u64, u64),
    send: unsafe extern "C" fn(*mut c_void, u64, FirnRaftBytes),
    standing_changed: unsafe extern "C" fn(*mut c_void, bool, u64, u64),
    dropped: unsafe extern "C" fn(*mut c_void),
    snapshot_wanted: unsafe extern "C" fn(*mut c_void),
    snapshot_offered: unsafe extern "C" fn(*mut c_void, u64, u64, FirnRaftBytes),
    tick: unsafe extern "C" fn(*mut c_void),
    failed: unsafe extern "C" fn(*mut c_void, FirnRaftBytes),
    drive_lost: unsafe extern "C" fn(*mut c_void, u16, FirnRaftBytes) -> bool,
    drive_full: unsafe extern "C" fn(*mut c_void, u16) -> bool,
    stopping: unsafe extern "C" fn(*mut c_void) -> bool,
}

#[repr(C)]
pub struct FirnRaftDrive {
    drive: u16,
    directory: *const c_char,
}

#[repr(C)]
pub struct FirnRaftStandpoint {
    term: u64,
    committed: u64,
    last: u64,
    voters: usize,
}

#[repr(C)]
pub struct FirnRaftRecovered {
    member: u64,
    first: u64,
    last: u64,
    pending: u64,
}

#[repr(C)]
pub struct FirnRaftTimes {
    tick_ms: u64,
    heartbeat_ticks: u32,
    election_ticks: u32,
}

#[repr(C)]
pub struct FirnRaftMember {
    id: u64,
    matched: u64,
    voter: bool,
    active: bool,
    needs_snapshot: bool,
}

#[repr(C)]
pub struct FirnRaftStatus {
    leader: u64,
    term: u64,
    committed: u64,
    first: u64,
    last: u64,
    leads: bool,
    failed: bool,
}

fn view(bytes: &[u8]) -> FirnRaftBytes {
    FirnRaftBytes {
        data: bytes.as_ptr(),
        size: bytes.len(),
    }
}

unsafe fn slice<'a>(bytes: FirnRaftBytes) -> &'a [u8] {
    if bytes.size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(bytes.data, bytes.size)
}

unsafe fn list<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    std::slice::from_raw_parts(first, count)
}

unsafe fn path(text: *const c_char) -> PathBuf {
    PathBuf::from(CStr::from_ptr(text).to_string_lossy().into_owned())
}

/// The caller frees it by `firn_raft_free_text`. Null where there is nothing to say.
fn answer(result: Result<(), String>) -> *mut c_char {
    match result {
        Ok(()) => ptr::null_mut(),
        Err(why) => CString::new(why.replace('\0', " ")).map_or(ptr::null_mut(), CString::into_raw),
    }
}

struct Caller(FirnRaftCallbacks);

// SAFETY: the header demands that callbacks can be called from any thread.
unsafe impl Send for Caller {}
// SAFETY: as above.
unsafe impl Sync for Caller {}

// SAFETY, for all calls below: the pointers are the caller's promise, good until `firn_raft_close` returns.
impl DriveEvents for Caller {
    fn lost(&self, drive: u16, why: &str) -> bool {
        unsafe { (self.0.drive_lost)(self.0.context, drive, view(why.as_bytes())) }
    }
    fn full(&self, drive: u16) -> bool {
        unsafe { (self.0.drive_full)(self.0.context, drive) }
    }
    fn stopping(&self) -> bool {
        unsafe { (self.0.stopping)(self.0.context) }
    }
}

impl Host for Caller {
    fn committed(&self, entries: &[Committed]) {
        let entries: Vec<FirnRaftEntry> = entries
            .iter()
            .map(|entry| FirnRaftEntry {
                index: entry.index,
                data: view(entry.data),
            })
            .collect();
        unsafe { (self.0.committed)(self.0.context, entries.as_ptr(), entries.len()) }
    }
    fn install(&self, index: u64) -> bool {
        unsafe { (self.0.install)(self.0.context, index) }
    }
    fn read_ready(&self, request: u64, index: u64) {
        unsafe { (self.0.read_ready)(self.0.context, request, index) }
    }
    fn send(&self, to: u64, message: Vec<u8>) {
        unsafe { (self.0.send)(self.0.context, to, view(&message)) }
    }
    fn standing_changed(&self, now: Standing) {
        unsafe { (self.0.standing_changed)(self.0.context, now.leads, now.leader, now.term) }
    }
    fn dropped(&self) {
        unsafe { (self.0.dropped)(self.0.context) }
    }
    fn snapshot_wanted(&self) {
        unsafe { (self.0.snapshot_wanted)(self.0.context) }
    }
    fn snapshot_offered(&self, from: u64, index: u64, name: &[u8]) {
        unsafe { (self.0.snapshot_offered)(self.0.context, from, index, view(name)) }
    }
    fn tick(&self) {
        unsafe { (self.0.tick)(self.0.context) }
    }
    fn failed(&self, why: &str) {
        unsafe { (self.0.failed)(self.0.context, view(why.as_bytes())) }
    }
}

pub struct FirnRaft(Engine);

/// # Safety
/// `text` came from a function of this library, and is not used again.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_free_text(text: *mut c_char) {
    if !text.is_null() {
        drop(CString::from_raw(text));
    }
}

/// # Safety
/// All pointers are good; the callbacks are until `firn_raft_close` has returned.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_open(
    drives: *const FirnRaftDrive,
    count: usize,
    file_bytes: u64,
    callbacks: *const FirnRaftCallbacks,
    out: *mut *mut FirnRaft,
) -> *mut c_char {
    let drives: Vec<(u16, PathBuf)> = list(drives, count)
        .iter()
        .map(|drive| (drive.drive, path(drive.directory)))
        .collect();
    let caller = Arc::new(Caller(*callbacks));
    answer(Engine::open(&drives, file_bytes, caller.clone(), caller).map(|engine| {
        *out = Box::into_raw(Box::new(FirnRaft(engine)));
    }))
}

/// # Safety
/// The handle is open; `out` is good.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_recovered(raft: *const FirnRaft, out: *mut FirnRaftRecovered) -> *mut c_char {
    answer((*raft).0.recovered().map(|found| {
        *out = FirnRaftRecovered {
            member: found.member,
            first: found.first,
            last: found.last,
            pending: found.pending,
        };
    }))
}

/// # Safety
/// The handle is open and not started; `voters` has `count` numbers.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_begin(
    raft: *const FirnRaft,
    member: u64,
    voters: *const u64,
    count: usize,
    index: u64,
) -> *mut c_char {
    answer((*raft).0.begin(member, list(voters, count).to_vec(), index))
}

/// # Safety
/// The handle is open; `voters` has room for so many.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_standpoint(
    raft: *const FirnRaft,
    out: *mut FirnRaftStandpoint,
    voters: *mut u64,
    room: usize,
) -> *mut c_char {
    answer((*raft).0.standpoint().map(|found| {
        *out = FirnRaftStandpoint {
            term: found.term,
            committed: found.committed,
            last: found.last,
            voters: found.voters.len(),
        };
        for (i, voter) in found.voters.iter().take(room).enumerate() {
            *voters.add(i) = *voter;
        }
    }))
}

/// # Safety
/// The handle is open and not started; `entry` is good.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_stand_alone(raft: *const FirnRaft, entry: FirnRaftBytes) -> *mut c_char {
    answer((*raft).0.stand_alone(Bytes::copy_from_slice(slice(entry))))
}

/// # Safety
/// The handle is open and not started; `times` is good.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_start(
    raft: *const FirnRaft,
    times: *const FirnRaftTimes,
    applied: u64,
    start: u64,
) -> *mut c_char {
    let times = Times {
        tick: Duration::from_millis((*times).tick_ms),
        heartbeat_ticks: (*times).heartbeat_ticks as usize,
        election_ticks: (*times).election_ticks as usize,
    };
    answer((*raft).0.start(&times, applied, start))
}

/// # Safety
/// The handle is open; `entries` has `count` of them.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_propose(raft: *const FirnRaft, entries: *const FirnRaftBytes, count: usize) {
    let copied = list(entries, count).iter();
    let entries = copied.map(|entry| Bytes::copy_from_slice(slice(*entry))).collect();
    (*raft).0.send(Input::Propose(entries));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_read(raft: *const FirnRaft, request: u64) {
    (*raft).0.send(Input::Read(request));
}

/// # Safety
/// The handle is open; the message is good.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_receive(raft: *const FirnRaft, message: FirnRaftBytes) {
    (*raft).0.send(Input::Message(slice(message).to_vec()));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_unreachable(raft: *const FirnRaft, node: u32) {
    (*raft).0.send(Input::Unreachable(node.into()));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_change(raft: *const FirnRaft, kind: u8, member: u64) {
    let kind = match kind {
        0 => ConfChangeType::AddLearnerNode,
        1 => ConfChangeType::AddNode,
        _ => ConfChangeType::RemoveNode,
    };
    (*raft).0.send(Input::Change(kind, member));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_transfer(raft: *const FirnRaft, to: u64) {
    (*raft).0.send(Input::Transfer(to));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_compact(raft: *const FirnRaft, index: u64) {
    (*raft).0.send(Input::Compact(index));
}

/// # Safety
/// The handle is open; the name is good.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_offer_snapshot(raft: *const FirnRaft, index: u64, name: FirnRaftBytes) {
    (*raft).0.send(Input::SnapshotMade(index, slice(name).to_vec()));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_withdraw_snapshot(raft: *const FirnRaft) {
    (*raft).0.send(Input::SnapshotGone);
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_snapshot_fetched(raft: *const FirnRaft, fetched: bool) {
    (*raft).0.send(Input::SnapshotFetched(fetched));
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_snapshot_refused(raft: *const FirnRaft, member: u64) {
    (*raft).0.send(Input::SnapshotRefused(member));
}

/// # Safety
/// The handle is open; `directory` is a text.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_add_drive(
    raft: *const FirnRaft,
    drive: u16,
    directory: *const c_char,
) -> *mut c_char {
    answer((*raft).0.copies.add_drive(drive, &path(directory)))
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_drop_drive(raft: *const FirnRaft, drive: u16) {
    (*raft).0.copies.drop_drive(drive);
}

/// # Safety
/// The handle is open; `out` has room for `room` numbers.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_drives(raft: *const FirnRaft, out: *mut u16, room: usize) -> usize {
    let drives = (*raft).0.copies.drives();
    for (place, drive) in drives.iter().take(room).enumerate() {
        *out.add(place) = *drive;
    }
    drives.len()
}

/// # Safety
/// The handle is open; `status` is good and `members` has room for `room` of them.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_status(
    raft: *const FirnRaft,
    status: *mut FirnRaftStatus,
    members: *mut FirnRaftMember,
    room: usize,
) -> usize {
    let now = (*raft).0.status.lock().unwrap_or_else(|e| e.into_inner());
    *status = FirnRaftStatus {
        leader: now.standing.leader,
        term: now.standing.term,
        committed: now.committed,
        first: now.first,
        last: now.last,
        leads: now.standing.leads,
        failed: now.failed,
    };
    for (place, member) in now.members.iter().take(room).enumerate() {
        *members.add(place) = FirnRaftMember {
            id: member.id,
            matched: member.matched,
            voter: member.voter,
            active: member.active,
            needs_snapshot: member.needs_snapshot,
        };
    }
    now.members.len()
}

/// # Safety
/// The handle is open.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_stop(raft: *const FirnRaft) {
    (*raft).0.stop();
}

/// # Safety
/// The handle is open, and not used again.
#[no_mangle]
pub unsafe extern "C" fn firn_raft_close(raft: *mut FirnRaft) {
    if !raft.is_null() {
        Box::from_raw(raft).0.close();
    }
}
