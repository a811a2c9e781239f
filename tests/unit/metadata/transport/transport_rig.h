#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "firn/metadata/peer_transport.h"

namespace firn::metadata {

/// A snapshot in memory.
class MemorySnapshot final : public SnapshotSource {
 public:
  explicit MemorySnapshot(std::map<std::string, std::string> contents);
  const std::vector<SnapshotFile>& files() const override { return files_; }
  Result<> read(std::size_t file, std::uint64_t offset_bytes, MutableBytes bytes) override;

  /// Called before each read.
  std::function<void()> on_read;

 private:
  std::vector<SnapshotFile> files_;
  std::vector<std::string> contents_;
};

/// Keeps what it is given; fails after so many bytes.
class MemorySink final : public SnapshotSink {
 public:
  Result<> begin_file(const SnapshotFile& file) override;
  Result<> write(ByteView bytes) override;

  std::vector<SnapshotFile> files;
  std::vector<std::string> contents;
  std::uint64_t fail_after_bytes = UINT64_MAX;

 private:
  std::uint64_t taken_ = 0;
};

/// A node behind a transport that remembers what it is told.
class Listener final : public RaftEndpoint {
 public:
  void receive(NodeId from, std::string message) override;
  void unreachable(NodeId to) override;
  Result<std::shared_ptr<SnapshotSource>> open_snapshot(std::string_view name) override;

  std::vector<std::string> messages(NodeId from) const;
  std::size_t times_unreachable() const;
  void set_snapshot(std::shared_ptr<MemorySnapshot> snapshot);

 private:
  mutable std::mutex mutex_;
  std::map<NodeId, std::vector<std::string>> messages_;
  std::size_t unreachable_ = 0;
  std::shared_ptr<MemorySnapshot> snapshot_;
};

/// One node: its threads, its transport and what listens behind it.
class TransportNode {
 public:
  explicit TransportNode(PeerTransport::Options options);
  ~TransportNode();

  PeerTransport& transport() { return *transport_; }
  Listener& listener() { return listener_; }
  std::uint16_t port() const { return transport_->port(); }
  void know(TransportNode& peer, NodeId node);
  Result<std::string> hello(NodeId to, std::string request);
  void stop();

 private:
  Runtime runtime_;
  Listener listener_;
  std::unique_ptr<PeerTransport> transport_;
};

PeerTransport::Options options_of(std::uint32_t node);
/// False when it never came, after a bound no healthy run reaches.
bool eventually(const std::function<bool()>& condition);

}  // namespace firn::metadata
