#include "remote_rig.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace firn::volume {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Relay::Relay(std::uint16_t to)
    : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      to_(to),
      port_(acceptor_.local_endpoint().port()),
      thread_([this] { accept(); }) {}

Relay::~Relay() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    frozen_ = false;
  }
  thawed_.notify_all();
  ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
  thread_.join();
  cut();
  for (Pair& pair : pairs_) {
    pair.up.join();
    pair.down.join();
  }
}

void Relay::accept() {
  for (;;) {
    error_code failure;
    tcp::socket client(io_);
    acceptor_.accept(client, failure);
    const std::lock_guard lock(mutex_);
    if (failure || stopping_) return;
    Pair& pair = pairs_.emplace_back(io_);
    pair.client = std::move(client);
    pair.server.connect(tcp::endpoint(asio::ip::address_v4::loopback(), to_), failure);
    pair.up = std::thread([this, &pair] { pass(pair.client, pair.server, true); });
    pair.down = std::thread([this, &pair] { pass(pair.server, pair.client, false); });
  }
}

void Relay::pass(Socket& from, Socket& to, bool to_server) {
  std::array<char, 16384> bytes;
  for (;;) {
    error_code failure;
    std::size_t count = from.read_some(asio::buffer(bytes), failure);
    {
      std::unique_lock lock(mutex_);
      thawed_.wait(lock, [this] { return !frozen_; });
    }
    bool last = false;
    if (to_server && !failure) {
      const std::int64_t left = cut_after_.fetch_sub(static_cast<std::int64_t>(count));
      last = left <= static_cast<std::int64_t>(count);
      if (last) count = static_cast<std::size_t>(std::max<std::int64_t>(left, 0));
      to_server_ += count;
    }
    if (!failure) asio::write(to, asio::buffer(bytes.data(), count), failure);
    if (last) cut_after_ = INT64_MAX;
    if (!failure && !last) continue;
    ::shutdown(from.native_handle(), SHUT_RDWR);
    ::shutdown(to.native_handle(), SHUT_RDWR);
    return;
  }
}

void Relay::end(Pair& pair) {
  ::shutdown(pair.client.native_handle(), SHUT_RDWR);
  ::shutdown(pair.server.native_handle(), SHUT_RDWR);
}

void Relay::cut() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) end(pair);
}

void Relay::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void Relay::thaw() {
  {
    const std::lock_guard lock(mutex_);
    frozen_ = false;
  }
  thawed_.notify_all();
}

void Relay::cut_after(std::int64_t bytes) { cut_after_ = bytes; }

Task<> HeldDrive::append(Append request) {
  const std::size_t now = ++waiting_;
  for (std::size_t seen = waiting_max_; now > seen && !waiting_max_.compare_exchange_weak(seen, now);) {
  }
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (held_) {
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  }
  auto outcome = co_await drive_->append(request);
  --waiting_;
  co_return outcome;
}

Uuid test_cluster() {
  Uuid cluster;
  cluster.bytes.fill(0xC1);
  return cluster;
}

RemoteRig::Options RemoteRig::defaults() {
  Options options;
  const std::string key = "a key for the tests";
  options.server.identity = {.cluster = test_cluster(), .node = NodeId{2}, .key = key, .tls = {}};
  options.server.host = "127.0.0.1";
  options.client.identity = {.cluster = test_cluster(), .node = NodeId{1}, .key = key, .tls = {}};
  options.client.retry_min = std::chrono::milliseconds(5);
  options.client.retry_max = std::chrono::milliseconds(20);
  return options;
}

RemoteRig::RemoteRig(Options options) : rig_(test_seed(), {.io_threads = 2}), runtime_(options.client_threads) {
  EXPECT_TRUE(rig_.open());
  held_ = std::make_shared<HeldDrive>(rig_.shared());
  auto server = ShardServer::start(rig_.runtime(), options.server);
  EXPECT_TRUE(server) << server.error().detail;
  server_ = std::move(*server);
  server_->serve(held_, rig_.drive().identity().drive);
  relay_ = std::make_unique<Relay>(server_->port());
  runtime_.start();
  RemoteDrives::Events events;
  events.drive_opened = [this](const RemoteDrive& drive) {
    const std::lock_guard lock(mutex_);
    drives_.push_back(drive);
  };
  auto client = RemoteDrives::make(runtime_, options.client, std::move(events));
  EXPECT_TRUE(client) << client.error().detail;
  client_ = std::move(*client);
  client_->add({.node = NodeId{2}, .host = "127.0.0.1", .port = relay_->port()});
}

RemoteRig::~RemoteRig() {
  held_->hold(false);
  relay_->thaw();
  EXPECT_TRUE(run(client_->stop()));
  EXPECT_TRUE(rig_.run(server_->stop()));
  runtime_.stop();
}

std::shared_ptr<DriveService> RemoteRig::drive() {
  const bool told = eventually([this] { return openings() > 0; });
  EXPECT_TRUE(told) << client_->status().at(0).why_not;
  const std::lock_guard lock(mutex_);
  return told ? drives_.back().service : nullptr;
}

std::size_t RemoteRig::openings() {
  const std::lock_guard lock(mutex_);
  return drives_.size();
}

bool RemoteRig::is_reachable() { return client_->status().at(0).reachable; }

Result<> RemoteRig::append(const RecordKey& key, std::uint32_t stored_bytes) {
  Buffer memory;
  return run(drive()->append(test_append(key, stored_bytes, memory)));
}

Result<> RemoteRig::check(const RecordKey& key, std::uint32_t stored_bytes) {
  const auto bytes = run(drive()->read(key, {0, stored_bytes}));
  if (!bytes) return bytes.error();
  return check_record(*bytes, key, stored_bytes);
}

Result<> check_record(const RecordBytes& bytes, const RecordKey& key, std::uint32_t stored_bytes) {
  const auto& header = bytes.header();
  if (auto sound = verify_identity(header, key); !sound) return sound;
  if (auto sound = verify_blocks(header, bytes.first_block, bytes.blocks()); !sound) return sound;
  const Buffer expected = test_payload(key, stored_bytes);
  if (bytes.blocks().size() != stored_bytes ||
      (stored_bytes > 0 && std::memcmp(bytes.blocks().data(), expected.data(), stored_bytes) != 0)) {
    return error(Errc::internal, "other bytes than were appended");
  }
  return {};
}

}  // namespace firn::volume
