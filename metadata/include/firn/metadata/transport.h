#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// A file of a snapshot of the state.
struct SnapshotFile {
  std::string name;  ///< Letters, digits, '-', '.' and '_' alone.
  std::uint64_t bytes = 0;
  std::uint64_t xxh3 = 0;  ///< XXH3-64 of all of it.
};

/// A snapshot that is read: its files stay as they are while this lives.
///
/// Threads: any. Calls block on drives.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  virtual const std::vector<SnapshotFile>& files() const = 0;
  /// Fills `bytes` from file number `file` at `offset_bytes`; the range lies within the file.
  virtual Result<> read(std::size_t file, std::uint64_t offset_bytes, MutableBytes bytes) = 0;
};

/// Takes a snapshot, file after file. The receiver checks length and checksum of each.
///
/// Threads: the one that called `fetch_snapshot`. Calls block on drives. After an error nothing more is given.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  virtual Result<> begin_file(const SnapshotFile& file) = 0;
  /// The next bytes of the file last begun.
  virtual Result<> write(ByteView bytes) = 0;
};

/// The node, as a transport sees it.
///
/// Threads: any.
class RaftEndpoint {
 public:
  virtual ~RaftEndpoint() = default;
  /// A message as `send` took it on the other side, from a peer whose identity was proven. Never blocks.
  virtual void receive(NodeId from, std::string message) = 0;
  /// Messages to the peer are being dropped. A hint, so that a leader stops pushing; never blocks.
  virtual void unreachable(NodeId to) = 0;
  /// Errc::not_found when there is no such snapshot any more.
  virtual Result<std::shared_ptr<SnapshotSource>> open_snapshot(std::string_view name) = 0;
};

/// How the metadata nodes of a cluster reach each other. Who they are is the transport's affair: addresses, proof of
/// identity, encryption.
///
/// Threads: `send` and `fetch_snapshot` from any.
class RaftTransport {
 public:
  virtual ~RaftTransport() = default;
  /// Messages go to `endpoint` from now on, until `detach` has returned. By then all snapshots it gave out are let go.
  virtual void attach(RaftEndpoint& endpoint) = 0;
  virtual void detach() = 0;
  /// Best effort: in order for each peer, but any may be dropped, and all are while a peer is away. Never blocks, and
  /// what waits for one peer is bounded (64 MiB). Messages are up to 8 MiB long.
  virtual void send(NodeId to, std::string message) = 0;
  /// Gives the files of a peer's snapshot to `sink`. Blocks until all are there or it has failed; a peer that is silent
  /// for long fails it, and so does `detach`.
  virtual Result<> fetch_snapshot(NodeId from, const std::string& name, SnapshotSink& sink) = 0;
};

}  // namespace firn::metadata
