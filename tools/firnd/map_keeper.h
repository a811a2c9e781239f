#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"
#include "firn/volume/client.h"
#include "map_change.h"

namespace firn::server {

/// Keeps the cluster map true: records which drives are out, and tells the volume tier.
///
/// A change is recorded in metadata first, so that no commit under an older epoch can pass; then writers learn of it;
/// then the drives are told to refuse appends of the older epoch. Threads: `put_out` and `put_in` from anywhere; the
/// work runs on io thread 0, one change after another.
class MapKeeper {
 public:
  struct Parts {
    Runtime& runtime;
    metadata::Client& metadata;
    volume::Client& volumes;
    /// Null when the drive is absent.
    std::function<std::shared_ptr<volume::DriveService>(DriveIndex)> drive;
    /// A drive was put out while running: the metadata log must do without it too.
    std::function<boost::asio::awaitable<void>(DriveIndex)> drive_lost;
  };
  explicit MapKeeper(Parts parts);

  /// Makes these changes and serves by the result. Before any client is served, on io thread 0.
  Task<> start(metadata::MapRecord recorded, std::function<void(MapChange&)> changes);
  boost::asio::awaitable<void> stop();

  /// Makes changes and returns when they are recorded and known. On io thread 0.
  Task<> change(std::function<void(MapChange&)> changes);
  /// Another node has recorded this map. From any thread; returns at once.
  void note(metadata::MapRecord map);
  /// As recorded last. On io thread 0.
  const metadata::MapRecord& current() const { return current_; }

  /// The drive failed. Returns at once; the map follows as soon as metadata has recorded it.
  void put_out(DriveIndex drive, const Error& why);
  /// It holds all it should again.
  void put_in(DriveIndex drive);

 private:
  struct Request {
    DriveIndex drive;
    bool out = false;
    std::string why;
  };
  void enqueue(Request request);
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> carry_out(std::deque<Request> requests);
  Task<> record(const std::function<void(MapChange&)>& changes);
  boost::asio::awaitable<void> adopt(metadata::MapRecord map);
  boost::asio::awaitable<void> adopt_noted(metadata::MapRecord map);
  void install(const metadata::MapRecord& map);
  boost::asio::awaitable<void> raise_epochs(metadata::MapRecord before, metadata::MapRecord after);

  /// Held while a change is made: each waits for metadata and drives on its way, and stands on the one before it.
  class Turn {
   public:
    static boost::asio::awaitable<Turn> take(MapKeeper& keeper);
    Turn(Turn&& other) noexcept : keeper_(std::exchange(other.keeper_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    explicit Turn(MapKeeper& keeper) : keeper_(&keeper) {}
    MapKeeper* keeper_;
  };

  Parts parts_;
  Gate gate_;
  bool turn_taken_ = false;
  boost::asio::steady_timer turn_ends_;  // Never expires; cancelled when a turn ends.
  metadata::MapRecord current_;
  std::deque<Request> waiting_;
  bool running_ = false;
};

}  // namespace firn::server
