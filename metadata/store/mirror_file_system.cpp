#include "store/mirror_file_system.h"

#include <string_view>

namespace firn::metadata {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus io_status(const Error& why) {
  switch (why.code) {
    case Errc::not_found:
      return IOStatus::PathNotFound(why.detail);
    case Errc::insufficient_storage:
      return IOStatus::NoSpace(why.detail);
    default:
      return IOStatus::IOError(why.detail);
  }
}

template <class T>
IOStatus io_status(const Result<T>& result) {
  return result ? IOStatus::OK() : io_status(result.error());
}

/// The name within the mirror; empty for the directory itself.
std::string name_of(const std::string& path) {
  const std::string_view root = kMirroredDirectory;
  std::string_view name = path;
  if (name.starts_with(root)) name.remove_prefix(root.size());
  while (name.starts_with('/')) name.remove_prefix(1);
  return std::string(name);
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<MirrorReader> reader) : reader_(std::move(reader)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    const Result<std::size_t> count = reader_->read(offset_, std::as_writable_bytes(std::span(scratch, n)));
    if (!count) return io_status(count);
    offset_ += *count;
    *result = Slice(scratch, *count);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }
  IOStatus InvalidateCache(size_t, size_t) override { return IOStatus::OK(); }

 private:
  std::unique_ptr<MirrorReader> reader_;
  std::uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<MirrorReader> reader) : reader_(std::move(reader)) {}
  // NOLINTNEXTLINE(readability-function-size): RocksDB's signature.
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    const Result<std::size_t> count = reader_->read(offset, std::as_writable_bytes(std::span(scratch, n)));
    if (!count) return io_status(count);
    *result = Slice(scratch, *count);
    return IOStatus::OK();
  }
  IOStatus Prefetch(uint64_t, size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("prefetch");
  }
  IOStatus InvalidateCache(size_t, size_t) override { return IOStatus::OK(); }

 private:
  std::unique_ptr<MirrorReader> reader_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  explicit WritableFile(std::unique_ptr<MirrorWriter> writer) : writer_(std::move(writer)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return io_status(writer_->append(as_bytes({data.data(), data.size()})));
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    return size >= writer_->size() ? IOStatus::OK() : io_status(writer_->truncate(size));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return io_status(writer_->sync()); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return writer_->size(); }
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}

 private:
  std::unique_ptr<MirrorWriter> writer_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  explicit Directory(StateMirror& mirror) : mirror_(mirror) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return io_status(mirror_.sync_names()); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  StateMirror& mirror_;
};

/// The node holds a lock on each drive: one on the state would add nothing.
class NoLock final : public rocksdb::FileLock {};

class MirrorFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit MirrorFileSystem(StateMirror& mirror)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), mirror_(mirror) {}
  const char* Name() const override { return "firn.mirror"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext*) override {
    Result<std::unique_ptr<MirrorReader>> reader = mirror_.open(name_of(path));
    if (reader) *file = std::make_unique<SequentialFile>(std::move(*reader));
    return io_status(reader);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext*) override {
    Result<std::unique_ptr<MirrorReader>> reader = mirror_.open(name_of(path));
    if (reader) *file = std::make_unique<RandomAccessFile>(std::move(*reader));
    return io_status(reader);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext*) override {
    Result<std::unique_ptr<MirrorWriter>> writer = mirror_.create(name_of(path));
    if (writer) *file = std::make_unique<WritableFile>(std::move(*writer));
    return io_status(writer);
  }
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*,
                              IODebugContext*) override {
    return IOStatus::NotSupported("a file of the state is written once");
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("a file of the state is written once");
  }
  IOStatus NewRandomRWFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSRandomRWFile>*,
                           IODebugContext*) override {
    return IOStatus::NotSupported("a file of the state is written once");
  }
  IOStatus NewMemoryMappedFileBuffer(const std::string&, std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) override {
    return IOStatus::NotSupported("mapped files");
  }
  IOStatus NewDirectory(const std::string&, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext*) override {
    *directory = std::make_unique<Directory>(mirror_);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::string name = name_of(path);
    if (name.empty()) return IOStatus::OK();
    const Result<std::uint64_t> size = mirror_.size(name);
    return size.code() == Errc::not_found ? IOStatus::NotFound(size.error().detail) : io_status(size);
  }
  IOStatus GetChildren(const std::string&, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    Result<std::vector<std::string>> listed = mirror_.list();
    if (listed) *names = std::move(*listed);
    return io_status(listed);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* bytes, IODebugContext*) override {
    const Result<std::uint64_t> size = mirror_.size(name_of(path));
    if (size) *bytes = *size;
    return io_status(size);
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time, IODebugContext*) override {
    *time = 0;  // Only asked for by what is off here: periodic compaction and archived logs.
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return io_status(mirror_.remove(name_of(path)));
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return io_status(mirror_.rename(name_of(from), name_of(to)));
  }
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("links");
  }
  IOStatus CreateDir(const std::string&, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus CreateDirIfMissing(const std::string&, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus DeleteDir(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("the state has one directory");
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_directory, IODebugContext*) override {
    *is_directory = name_of(path).empty();
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute, IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) override {
    *lock = new NoLock;
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>*,
                     IODebugContext*) override {
    return IOStatus::NotSupported("RocksDB's log goes to ours");
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, uint64_t*, IODebugContext*) override {
    return IOStatus::NotSupported("free space");
  }

 private:
  StateMirror& mirror_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_mirror_file_system(StateMirror& mirror) {
  return std::make_shared<MirrorFileSystem>(mirror);
}

}  // namespace firn::metadata
