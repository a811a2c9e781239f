//! One drive's copy of the log.

use std::fs;
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raft::eraftpb::Entry;
use raft_engine::{Config, Engine, Error, ReadableSize};

use crate::change::{key, Change, EntryKind, LOG};
use crate::files::{CopyFiles, GivenUp};

/// How much is read at once where a copy is filled from another.
const FILL_BYTES: usize = 4 << 20;

pub enum Failure {
    /// The drive has no space: the write may be tried again.
    Full(String),
    /// The copy can't be relied on any more.
    Broken(String),
}

/// What a caught panic said.
pub fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
        .unwrap_or_else(|| "a panic".to_string())
}

/// raft-engine panics where a sync fails: the drive has failed, not the process.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Error::Other(panic_text(payload).into())))
}

fn is_no_space(error: &Error) -> bool {
    match error {
        Error::Io(e) => e.raw_os_error() == Some(28) || e.kind() == std::io::ErrorKind::StorageFull,
        Error::TryAgain(_) | Error::Full => true,
        _ => false,
    }
}

/// One that goes without being closed has been given up: its files are closed as they are.
pub struct Copy {
    pub drive: u16,
    directory: PathBuf,
    closing: bool,
    given_up: GivenUp,
    engine: ManuallyDrop<Engine<CopyFiles>>,
}

impl Copy {
    /// Recovers what lies in the directory, which is made where it is absent.
    pub fn open(drive: u16, directory: &Path, file_bytes: u64) -> Result<Copy, String> {
        let config = Config {
            dir: directory.to_string_lossy().into_owned(),
            target_file_size: ReadableSize(file_bytes),
            purge_threshold: ReadableSize(3 * file_bytes),
            batch_compression_threshold: ReadableSize(0),
            ..Default::default()
        };
        fs::create_dir_all(directory).map_err(|e| e.to_string())?;
        let given_up = GivenUp::default();
        let files = Arc::new(CopyFiles::new(given_up.clone()));
        let engine = guarded(|| Engine::open_with_file_system(config, files)).map_err(|e| e.to_string())?;
        let copy = Copy {
            drive,
            directory: directory.to_path_buf(),
            closing: false,
            given_up,
            engine: ManuallyDrop::new(engine),
        };
        // What is read may never have been synced, and is believed from now on.
        copy.sync_files().map_err(|e| e.to_string())?;
        Ok(copy)
    }

    fn sync_files(&self) -> std::io::Result<()> {
        for file in fs::read_dir(&self.directory)? {
            fs::File::open(file?.path())?.sync_all()?;
        }
        fs::File::open(&self.directory)?.sync_all()?;
        match self.directory.parent() {
            Some(parent) => fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Leaves the files as the next to open them likes them best.
    pub fn close(mut self) {
        self.closing = true;
    }

    pub fn writes(&self) -> u64 {
        let bytes = self.engine.get(LOG, key::WRITES).unwrap_or_default();
        bytes.try_into().map_or(0, u64::from_le_bytes)
    }

    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.engine.get(LOG, key)
    }

    pub fn last_index(&self) -> u64 {
        self.engine.last_index(LOG).unwrap_or(0)
    }

    pub fn write(&self, change: &Change, writes: u64, sync: bool) -> Result<(), Failure> {
        let written = guarded(|| self.engine.write(&mut change.to_batch(writes)?, sync));
        written.map(|_| ()).map_err(|error| {
            if is_no_space(&error) {
                Failure::Full(error.to_string())
            } else {
                Failure::Broken(error.to_string())
            }
        })
    }

    pub fn entries(&self, low: u64, high: u64, bytes: Option<usize>) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        let read = guarded(|| {
            self.engine
                .fetch_entries_to::<EntryKind>(LOG, low, high, bytes, &mut entries)
        });
        read.map_err(|e| e.to_string())?;
        Ok(entries)
    }

    /// Whether every entry can be read. Recovery itself looks no further than where they lie.
    pub fn is_whole(&self) -> bool {
        let Some(mut next) = self.engine.first_index(LOG) else {
            return true;
        };
        while next <= self.last_index() {
            match self.entries(next, self.last_index() + 1, Some(FILL_BYTES)) {
                Ok(entries) if !entries.is_empty() => next += entries.len() as u64,
                _ => return false,
            }
        }
        true
    }

    fn term(&self, index: u64) -> Option<u64> {
        let entry = guarded(|| self.engine.get_entry::<EntryKind>(LOG, index));
        entry.ok().flatten().map(|entry| entry.term)
    }

    /// Gives back the space of entries that have gone.
    pub fn purge(&self) -> Result<(), String> {
        guarded(|| self.engine.purge_expired_files())
            .map(|_| ())
            .map_err(|e| e.to_string())
    }

    /// The first entry that `from` has and this copy lacks, when all this one has lies in `from` too.
    fn first_lacking(&self, from: &Copy) -> Option<u64> {
        let first = from.engine.first_index(LOG)?.max(self.engine.first_index(LOG)?);
        let last = self.last_index().min(from.last_index());
        let same = (first..=last)
            .rev()
            .find(|&index| self.term(index) == from.term(index) && self.term(index).is_some())?;
        // Entries beyond those of `from` are replaced by its next one, if there is one.
        (same < from.last_index() || self.last_index() == same).then_some(same + 1)
    }

    /// Makes this copy the same as `from`. Whether that could be done without emptying it first.
    pub fn catch_up(&self, from: &Copy) -> Result<bool, String> {
        match self.first_lacking(from) {
            Some(index) => self.take_from(from, index).map(|()| true),
            None => Ok(false),
        }
    }

    /// Fills an empty copy.
    pub fn fill(&self, from: &Copy) -> Result<(), String> {
        match from.engine.first_index(LOG) {
            Some(first) => self.take_from(from, first),
            None => self.take_from(from, from.last_index() + 1),
        }
    }

    fn take_from(&self, from: &Copy, first: u64) -> Result<(), String> {
        let broken = |failure: Failure| match failure {
            Failure::Full(why) | Failure::Broken(why) => why,
        };
        let mut next = first;
        while next <= from.last_index() {
            let entries = from.entries(next, from.last_index() + 1, Some(FILL_BYTES))?;
            next += entries.len() as u64;
            let change = Change {
                entries,
                ..Default::default()
            };
            self.write(&change, 0, false).map_err(broken)?;
        }
        let mut change = Change {
            first_index: from.engine.first_index(LOG),
            ..Default::default()
        };
        for key in key::ALL_BUT_WRITES {
            match from.get(key) {
                Some(value) => change.puts.push((key, value)),
                None => change.deletes.push(key),
            }
        }
        self.write(&change, from.writes(), true).map_err(broken)?;
        self.sync_files().map_err(|e| e.to_string())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.closing {
            self.given_up.set();
        }
        // SAFETY: `self` is going, so the engine is dropped once and not used again.
        let engine = unsafe { ManuallyDrop::take(&mut self.engine) };
        let _ = catch_unwind(AssertUnwindSafe(move || drop(engine)));
    }
}
