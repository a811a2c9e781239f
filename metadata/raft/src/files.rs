//! The files of one copy, as raft-engine sees them.

use std::io::{Result, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use raft_engine::env::{DefaultFileSystem, FileSystem, Handle, Permission, WriteExt};

type DiskHandle = <DefaultFileSystem as FileSystem>::Handle;
type DiskReader = <DefaultFileSystem as FileSystem>::Reader;
type DiskWriter = <DefaultFileSystem as FileSystem>::Writer;

/// Whether the copy has been given up. All that would change its files is left out from then on, and succeeds: what
/// raft-engine's destructors do to them would fail, and make them panic, or change what is no longer the copy's.
#[derive(Clone, Default)]
pub struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn unless(&self, change: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Ok(());
        }
        change()
    }
}

pub struct CopyFiles {
    disk: DefaultFileSystem,
    given_up: GivenUp,
}

impl CopyFiles {
    pub fn new(given_up: GivenUp) -> CopyFiles {
        CopyFiles {
            disk: DefaultFileSystem,
            given_up,
        }
    }

    fn file(&self, disk: DiskHandle) -> CopyFile {
        CopyFile {
            disk: Arc::new(disk),
            given_up: self.given_up.clone(),
        }
    }
}

impl FileSystem for CopyFiles {
    type Handle = CopyFile;
    type Reader = DiskReader;
    type Writer = CopyWriter;

    fn create<P: AsRef<Path>>(&self, path: P) -> Result<CopyFile> {
        Ok(self.file(self.disk.create(path)?))
    }

    fn open<P: AsRef<Path>>(&self, path: P, permission: Permission) -> Result<CopyFile> {
        Ok(self.file(self.disk.open(path, permission)?))
    }

    fn delete<P: AsRef<Path>>(&self, path: P) -> Result<()> {
        self.given_up.unless(|| self.disk.delete(path))
    }

    fn rename<P: AsRef<Path>>(&self, from: P, to: P) -> Result<()> {
        self.given_up.unless(|| self.disk.rename(from, to))
    }

    fn new_reader(&self, file: Arc<CopyFile>) -> Result<DiskReader> {
        self.disk.new_reader(file.disk.clone())
    }

    fn new_writer(&self, file: Arc<CopyFile>) -> Result<CopyWriter> {
        Ok(CopyWriter {
            disk: self.disk.new_writer(file.disk.clone())?,
            given_up: self.given_up.clone(),
        })
    }
}

pub struct CopyFile {
    disk: Arc<DiskHandle>,
    given_up: GivenUp,
}

impl Handle for CopyFile {
    fn truncate(&self, offset: usize) -> Result<()> {
        self.given_up.unless(|| self.disk.truncate(offset))
    }

    fn file_size(&self) -> Result<usize> {
        self.disk.file_size()
    }

    fn sync(&self) -> Result<()> {
        self.given_up.unless(|| self.disk.sync())
    }
}

pub struct CopyWriter {
    disk: DiskWriter,
    given_up: GivenUp,
}

// Only what a destructor does is left out: nobody writes to a copy that has been given up.
impl Write for CopyWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.disk.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.disk.flush()
    }
}

impl Seek for CopyWriter {
    fn seek(&mut self, position: SeekFrom) -> Result<u64> {
        self.disk.seek(position)
    }
}

impl WriteExt for CopyWriter {
    fn truncate(&mut self, offset: usize) -> Result<()> {
        let CopyWriter { disk, given_up } = self;
        given_up.unless(|| disk.truncate(offset))
    }

    fn allocate(&mut self, offset: usize, size: usize) -> Result<()> {
        self.disk.allocate(offset, size)
    }
}
