//! The log on all its drives: what is written goes to each, what is read comes from the first that can.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use raft::eraftpb::Entry;

use crate::change::Change;
use crate::copy::{Copy, Failure};

/// What the log tells of its drives. Called by whoever writes, before the write returns.
pub trait DriveEvents: Send + Sync {
    /// The drive's copy can't be relied on. False when it can't be recorded that it left: then nothing may be answered.
    fn lost(&self, drive: u16, why: &str) -> bool;
    /// The drive has no space. Whether some was made.
    fn full(&self, drive: u16) -> bool;
    /// The log is about to be stopped: a full drive is waited for no longer.
    fn stopping(&self) -> bool;
}

const SPACE_RETRY: Duration = Duration::from_millis(200);

pub struct Copies {
    events: Arc<dyn DriveEvents>,
    file_bytes: u64,
    /// How many changes were written. Held while one is, or a copy joins.
    writing: Mutex<u64>,
    all: RwLock<Vec<Arc<Copy>>>,
}

fn empty(directory: &Path) -> Result<(), String> {
    match fs::remove_dir_all(directory) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.to_string()),
        _ => Ok(()),
    }
}

/// A copy as it was found.
struct Found<'a> {
    copy: Copy,
    directory: &'a Path,
    whole: bool,
}

/// The drive's copy, made the same as `newest`.
fn renewed(found: Found, newest: &Copy, file_bytes: u64) -> Result<Copy, String> {
    let Found { copy, directory, whole } = found;
    if whole && (copy.writes() == newest.writes() || copy.catch_up(newest)?) {
        return Ok(copy);
    }
    let drive = copy.drive;
    copy.close();
    empty(directory)?;
    let copy = Copy::open(drive, directory, file_bytes)?;
    copy.fill(newest)?;
    Ok(copy)
}

impl Copies {
    /// Recovers the log from its drives. Those that fail are left out. An error when none is left.
    pub fn open(drives: &[(u16, PathBuf)], file_bytes: u64, events: Arc<dyn DriveEvents>) -> Result<Copies, String> {
        let mut found = Vec::new();
        let mut failures = String::new();
        for (drive, directory) in drives {
            match Copy::open(*drive, directory, file_bytes) {
                Ok(copy) => {
                    let whole = copy.is_whole();
                    found.push(Found { copy, directory, whole });
                }
                Err(why) => failures += &format!("drive {drive}: {why}; "),
            }
        }
        // One that is behind has lost its end, or never had the last write: only the newest is sure to have everything.
        found.sort_by_key(|it| std::cmp::Reverse((it.copy.writes(), it.whole)));
        let mut found = found.into_iter();
        let Some(Found {
            copy: newest, whole, ..
        }) = found.next()
        else {
            return Err(format!("no copy of the log can be read: {failures}"));
        };
        if !whole {
            return Err("the newest copies of the log are damaged".to_string());
        }
        let writes = newest.writes();
        let mut all = Vec::new();
        for other in found {
            // A copy that can't be renewed is as good as lost: the caller sees that it is missing.
            if let Ok(copy) = renewed(other, &newest, file_bytes) {
                all.push(Arc::new(copy));
            }
        }
        all.push(Arc::new(newest));
        Ok(Copies {
            events,
            file_bytes,
            writing: Mutex::new(writes),
            all: RwLock::new(all),
        })
    }

    fn list(&self) -> Vec<Arc<Copy>> {
        self.all.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    pub fn drives(&self) -> Vec<u16> {
        self.list().iter().map(|copy| copy.drive).collect()
    }

    /// The drive holds the log no longer.
    pub fn drop_drive(&self, drive: u16) {
        let mut all = self.all.write().unwrap_or_else(|e| e.into_inner());
        let (gone, stay): (Vec<_>, Vec<_>) = all.drain(..).partition(|copy| copy.drive == drive);
        *all = stay;
        drop(all);
        drop(gone); // Closes its files, which can take as long as the drive pleases: so not under the lock.
    }

    /// Gives the drive the whole log, and writes to it from then on.
    pub fn add_drive(&self, drive: u16, directory: &Path) -> Result<(), String> {
        empty(directory)?;
        let copy = Copy::open(drive, directory, self.file_bytes)?;
        let _writing = self.writing.lock().unwrap_or_else(|e| e.into_inner());
        let all = self.list();
        let from = all.first().ok_or("no drive has the log any more")?;
        copy.fill(from)?;
        let mut all = self.all.write().unwrap_or_else(|e| e.into_inner());
        all.retain(|copy| copy.drive != drive);
        all.push(Arc::new(copy));
        Ok(())
    }

    /// On every drive, synced where asked for, when it returns. Drives that failed have left by then.
    pub fn write(&self, change: &Change, sync: bool) -> Result<(), String> {
        let mut writes = self.writing.lock().unwrap_or_else(|e| e.into_inner());
        *writes += 1;
        let all = self.list();
        let Some((first, others)) = all.split_first() else {
            return Err("no drive has the log any more".to_string());
        };
        let number = *writes;
        let results: Vec<(u16, Result<(), Failure>)> = thread::scope(|scope| {
            let threads: Vec<_> = others
                .iter()
                .map(|copy| {
                    let thread = scope.spawn(move || self.write_one(copy, change, number, sync));
                    (copy.drive, thread)
                })
                .collect();
            let mut results = vec![(first.drive, self.write_one(first, change, number, sync))];
            for (drive, thread) in threads {
                let result = thread
                    .join()
                    .unwrap_or_else(|_| Err(Failure::Broken("its writer died".to_string())));
                results.push((drive, result));
            }
            results
        });
        let mut full = Ok(());
        for (drive, result) in results {
            match result {
                Ok(()) => {}
                // At a stop. The next start brings this copy to what the others have.
                Err(Failure::Full(why)) => full = Err(format!("drive {drive}: {why}")),
                Err(Failure::Broken(why)) => {
                    self.drop_drive(drive);
                    if !self.events.lost(drive, &why) {
                        return Err(format!("drive {drive} could not be recorded as gone: {why}"));
                    }
                }
            }
        }
        full?;
        if self.list().is_empty() {
            return Err("no drive has the log any more".to_string());
        }
        Ok(())
    }

    fn write_one(&self, copy: &Copy, change: &Change, number: u64, sync: bool) -> Result<(), Failure> {
        loop {
            match copy.write(change, number, sync) {
                Ok(()) => return Ok(()),
                Err(Failure::Broken(why)) => return Err(Failure::Broken(why)),
                Err(Failure::Full(why)) => {
                    if self.events.full(copy.drive) {
                        continue;
                    }
                    if !self.drives().contains(&copy.drive) {
                        return Ok(()); // It has left meanwhile: the others have what is written.
                    }
                    if self.events.stopping() {
                        return Err(Failure::Full(why));
                    }
                    // What others have acknowledged is safe; this node's part waits for space.
                    thread::sleep(SPACE_RETRY);
                }
            }
        }
    }

    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.list().first().and_then(|copy| copy.get(key))
    }

    pub fn last_index(&self) -> u64 {
        self.list().first().map_or(0, |copy| copy.last_index())
    }

    pub fn entries(&self, low: u64, high: u64, bytes: Option<usize>) -> Result<Vec<Entry>, String> {
        let mut failure = "no drive has the log any more".to_string();
        for copy in self.list() {
            match copy.entries(low, high, bytes) {
                Ok(entries) => return Ok(entries),
                Err(why) => failure = format!("drive {}: {why}", copy.drive),
            }
        }
        Err(failure)
    }

    /// Gives back the space of entries that have gone.
    pub fn purge(&self) {
        for copy in self.list() {
            if let Err(why) = copy.purge() {
                self.drop_drive(copy.drive);
                self.events.lost(copy.drive, &why);
            }
        }
    }

    /// Closes the files, for the next to open them.
    pub fn close(self) {
        for copy in self.all.into_inner().unwrap_or_else(|e| e.into_inner()) {
            if let Some(copy) = Arc::into_inner(copy) {
                copy.close();
            }
        }
    }
}
