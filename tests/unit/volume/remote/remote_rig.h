#pragma once

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "drive_rig.h"
#include "firn/volume/remote_drives.h"
#include "firn/volume/shard_server.h"

namespace firn::volume {

/// The network between two nodes: passes bytes on, until told otherwise.
///
/// Threads: any; its own for each direction.
class Relay {
 public:
  explicit Relay(std::uint16_t to);
  ~Relay();

  std::uint16_t port() const { return port_; }
  /// Ends every connection; new ones are made as before.
  void cut();
  /// Nothing passes any more, and nothing is refused: a frozen machine, a lost cable.
  void freeze();
  void thaw();
  /// Cuts the connections once so many more bytes have gone to the server.
  void cut_after(std::int64_t bytes);
  std::uint64_t to_server_bytes() const { return to_server_.load(); }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  struct Pair {
    explicit Pair(boost::asio::io_context& io) : client(io), server(io) {}
    Socket client;
    Socket server;
    std::thread up;
    std::thread down;
  };
  void accept();
  void pass(Socket& from, Socket& to, bool to_server);
  static void end(Pair& pair);

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t to_;
  const std::uint16_t port_;
  std::mutex mutex_;
  std::condition_variable thawed_;
  bool frozen_ = false;
  bool stopping_ = false;
  std::atomic<std::int64_t> cut_after_{INT64_MAX};
  std::atomic<std::uint64_t> to_server_{0};
  std::list<Pair> pairs_;
  std::thread thread_;
};

/// A drive whose appends wait until they are let go.
class HeldDrive final : public DriveService {
 public:
  explicit HeldDrive(std::shared_ptr<DriveService> drive) : drive_(std::move(drive)) {}

  DriveIndex index() const override { return drive_->index(); }
  Task<> append(Append request) override;
  Task<> sync() override { return drive_->sync(); }
  Task<RecordBytes> read(RecordKey key, ByteRange range) override { return drive_->read(key, range); }
  Task<> remove(std::vector<ExtentId> extents) override { return drive_->remove(std::move(extents)); }
  Task<> sync_index() override { return drive_->sync_index(); }
  Task<std::vector<RecordInfo>> list(RecordKey after, std::size_t limit) override { return drive_->list(after, limit); }
  Task<> raise_epoch(SetId set, SetEpoch epoch) override { return drive_->raise_epoch(set, epoch); }
  Task<DriveUsage> usage() override { return drive_->usage(); }

  void hold(bool held) { held_ = held; }
  std::size_t waiting() const { return waiting_.load(); }
  /// The most appends that were with the drive at once.
  std::size_t waiting_max() const { return waiting_max_.load(); }

 private:
  const std::shared_ptr<DriveService> drive_;
  std::atomic<bool> held_{false};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> waiting_max_{0};
};

/// Node 2 with a drive on a simulated disk, and node 1 that uses it, each with its own threads.
class RemoteRig {
 public:
  struct Options {
    ShardServer::Options server;
    RemoteDrives::Options client;
    /// 1: all of the client's calls share the watching connection.
    std::size_t client_threads = 2;
  };
  static Options defaults();
  RemoteRig() : RemoteRig(defaults()) {}
  explicit RemoteRig(Options options);
  ~RemoteRig();

  DriveRig& at_server() { return rig_; }
  HeldDrive& held() { return *held_; }
  ShardServer& server() { return *server_; }
  RemoteDrives& client() { return *client_; }
  Relay& relay() { return *relay_; }

  /// The drive as it was told last. Waits for it.
  std::shared_ptr<DriveService> drive();
  /// How often a drive was told of.
  std::size_t openings();
  bool is_reachable();
  /// False when it never came, after a bound no healthy run reaches.
  bool eventually(const std::function<bool()>& condition) { return rig_.eventually(condition); }

  /// On one of the client's io threads.
  template <class T>
  Result<T> run(Task<T> task, std::size_t thread = 1) {
    return begin(std::move(task), thread).get();
  }
  template <class T>
  std::future<Result<T>> begin(Task<T> task, std::size_t thread = 1) {
    return boost::asio::co_spawn(runtime_.io(thread % runtime_.io_threads()), std::move(task), boost::asio::use_future);
  }
  Result<> append(const RecordKey& key, std::uint32_t stored_bytes);
  /// Success: the record is there, whole and as appended.
  Result<> check(const RecordKey& key, std::uint32_t stored_bytes);

 private:
  DriveRig rig_;
  Runtime runtime_;
  std::shared_ptr<HeldDrive> held_;
  std::unique_ptr<ShardServer> server_;
  std::unique_ptr<Relay> relay_;
  std::mutex mutex_;
  std::vector<RemoteDrive> drives_;
  std::unique_ptr<RemoteDrives> client_;
};

Uuid test_cluster();
/// Success: `bytes` is `key`'s record whole.
Result<> check_record(const RecordBytes& bytes, const RecordKey& key, std::uint32_t stored_bytes);

}  // namespace firn::volume
