#include "transport_rig.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "firn/base/checksum.h"

namespace firn::metadata {

MemorySnapshot::MemorySnapshot(std::map<std::string, std::string> contents) {
  for (auto& [name, content] : contents) {
    files_.push_back({.name = name, .bytes = content.size(), .xxh3 = xxh3(as_bytes(content))});
    contents_.push_back(std::move(content));
  }
}

Result<> MemorySnapshot::read(std::size_t file, std::uint64_t offset_bytes, MutableBytes bytes) {
  if (on_read) on_read();
  EXPECT_LE(offset_bytes + bytes.size(), contents_[file].size());
  if (!bytes.empty()) std::memcpy(bytes.data(), contents_[file].data() + offset_bytes, bytes.size());
  return {};
}

Result<> MemorySink::begin_file(const SnapshotFile& file) {
  files.push_back(file);
  contents.emplace_back();
  return {};
}

Result<> MemorySink::write(ByteView bytes) {
  taken_ += bytes.size();
  if (taken_ > fail_after_bytes) return error(Errc::drive_full, "as the test wants");
  contents.back() += as_text(bytes);
  return {};
}

void Listener::receive(NodeId from, std::string message) {
  const std::lock_guard lock(mutex_);
  messages_[from].push_back(std::move(message));
}

void Listener::unreachable(NodeId) {
  const std::lock_guard lock(mutex_);
  ++unreachable_;
}

Result<std::shared_ptr<SnapshotSource>> Listener::open_snapshot(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (name != "snapshot" || !snapshot_) return error(Errc::not_found, "no such snapshot");
  return std::shared_ptr<SnapshotSource>(snapshot_);
}

std::vector<std::string> Listener::messages(NodeId from) const {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(from);
  return found == messages_.end() ? std::vector<std::string>() : found->second;
}

std::size_t Listener::times_unreachable() const {
  const std::lock_guard lock(mutex_);
  return unreachable_;
}

void Listener::set_snapshot(std::shared_ptr<MemorySnapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
}

TransportNode::TransportNode(PeerTransport::Options options) : runtime_(1) {
  runtime_.start();
  auto started = PeerTransport::start(runtime_, std::move(options));
  EXPECT_TRUE(started) << started.error().detail;
  transport_ = std::move(*started);
  transport_->attach(listener_);
}

TransportNode::~TransportNode() { stop(); }

void TransportNode::stop() {
  if (!transport_) return;
  transport_->stop();
  transport_.reset();
  runtime_.stop();
}

void TransportNode::know(TransportNode& peer, NodeId node) {
  transport_->add({.node = node, .host = "127.0.0.1", .port = peer.port()});
}

Result<std::string> TransportNode::hello(NodeId to, std::string request) {
  constexpr std::chrono::seconds kPatience{10};
  return boost::asio::co_spawn(runtime_.io(0), transport_->hello(to, std::move(request), kPatience),
                               boost::asio::use_future)
      .get();
}

namespace {

Task<std::string> echo(NodeId from, std::string request) {
  if (request == "fail") co_return error(Errc::invalid_argument, "as the test wants");
  co_return "node " + std::to_string(from.value) + " said " + request;
}

}  // namespace

PeerTransport::Options options_of(std::uint32_t node) {
  PeerTransport::Options options;
  options.identity = {.cluster = {}, .node = NodeId{node}, .key = "a key for the tests", .tls = {}};
  options.identity.cluster.bytes.fill(0xC1);
  options.host = "127.0.0.1";
  options.hello = echo;
  return options;
}

bool eventually(const std::function<bool()>& condition) {
  constexpr auto kBound = std::chrono::seconds(60);
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace firn::metadata
