#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

#include "client/event.h"
#include "firn/base/cluster_identity.h"
#include "firn/volume/drive_service.h"
#include "server/served_drives.h"
#include "wire/channel.h"
#include "wire/frame_reader.h"
#include "wire/frame_writer.h"

namespace firn::volume {

/// What the connections of one server share.
///
/// Threads: any.
struct ShardServerShared {
  ClusterIdentity identity;
  std::shared_ptr<wire::TlsFiles> tls;  ///< Null: plain.
  std::uint64_t inflight_bytes_max = 0;
  ServedDrives drives;
  std::atomic<std::uint64_t> inflight_bytes{0};
  std::atomic<std::size_t> connections{0};
};

/// One peer's connection: reads requests, runs them beside each other, sends answers as they come.
///
/// Threads: the io thread of `io`. Shared by the server's list and its own coroutines, which end in no order.
class ShardConnection : public std::enable_shared_from_this<ShardConnection> {
 public:
  ShardConnection(boost::asio::io_context& io, std::shared_ptr<ShardServerShared> shared, wire::Channel::Socket socket);

  /// Until the peer is gone, or `finish`; returns when every request has ended.
  boost::asio::awaitable<void> run();
  /// Takes no more requests; those under way are answered.
  void finish();

 private:
  using Self = std::shared_ptr<ShardConnection>;
  using Time = std::chrono::steady_clock::time_point;
  /// Tells again and again that the node is there.
  class Alive final : public wire::Outgoing {
   public:
    void written() override { under_way = false; }
    bool under_way = false;
  };

  // A connection's life: shard_connection.cpp.
  Task<> open();
  Task<> shake_hands();
  boost::asio::awaitable<void> serve();
  Task<> receive();
  static boost::asio::awaitable<void> send(Self self);
  static boost::asio::awaitable<void> tick(Self self);
  void say_alive();
  void limit_handshake();

  // Requests: shard_requests.cpp.
  Task<> take(const wire::Frame& frame);
  Task<> take_append(const wire::Frame& frame);
  Task<> take_read(const wire::Frame& frame);
  Task<> take_remove(const wire::Frame& frame);
  Task<> take_list(const wire::Frame& frame);
  Task<> take_epoch(const wire::Frame& frame);
  Task<> take_plain(const wire::Frame& frame);
  Task<> take_unknown(const wire::Frame& frame);
  boost::asio::awaitable<void> wait_for_room(std::uint64_t bytes);
  /// Runs a request beside the others; `bytes` of room are given back at its end.
  void start(boost::asio::awaitable<void> request, std::uint64_t bytes);
  static boost::asio::awaitable<void> append(Self self, std::uint32_t request, wire::AppendRequest asked,
                                             Buffer record);
  static boost::asio::awaitable<void> read(Self self, std::uint32_t request, wire::ReadRequest asked);
  static boost::asio::awaitable<void> remove(Self self, std::uint32_t request, wire::RemoveRequest asked);
  static boost::asio::awaitable<void> list(Self self, std::uint32_t request, wire::ListRequest asked);
  static boost::asio::awaitable<void> raise_epoch(Self self, std::uint32_t request, wire::EpochRequest asked);
  static boost::asio::awaitable<void> usage(Self self, std::uint32_t request, wire::DriveRequest asked);
  static boost::asio::awaitable<void> flush(Self self, std::uint32_t request, wire::FrameKind kind,
                                            wire::DriveRequest asked);
  Task<RecordBytes> read_record(const wire::ReadRequest& asked);
  Task<wire::ListAnswer> list_records(const wire::ListRequest& asked);
  Task<> flush_drive(wire::FrameKind kind, const wire::DriveRequest& asked);
  /// Sends an answer without a body, or why there is none.
  boost::asio::awaitable<void> answer(wire::FrameKind kind, std::uint32_t request, Result<> outcome);

  boost::asio::io_context& io_;
  const std::shared_ptr<ShardServerShared> shared_;
  const std::unique_ptr<wire::Channel> channel_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  boost::asio::steady_timer timer_;
  bool handshaking_ = true;
  bool watching_ = false;  ///< The peer wants to be told which drives there are.
  bool finishing_ = false;
  bool ended_ = false;
  std::uint32_t peer_node_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t inflight_bytes_ = 0;
  Alive alive_;
  Event request_ended_;
  Event sender_ended_;
  Event ticker_ended_;
};

}  // namespace firn::volume
