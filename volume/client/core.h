#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "admission.h"
#include "firn/base/runtime.h"
#include "firn/volume/client.h"
#include "read_health.h"
#include "slow_watch.h"
#include "view.h"

namespace firn::volume {

/// What all writers and readers of one client share. They own it together, so that work still under way when the client
/// goes can end.
///
/// Threads: any io thread; `connect`, `install_map` and `map` from anywhere. Each io thread works on its own copy of
/// the view and looks at one shared number to learn that it is old, so threads don't contend.
class Core : public std::enable_shared_from_this<Core> {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Core(Runtime& runtime, Client::Options options, Client::Events events);

  void connect(DriveIndex drive, std::shared_ptr<DriveService> service);
  void install_map(std::shared_ptr<const ClusterMap> map);
  std::shared_ptr<const ClusterMap> map() const;
  /// No event is told any more: whoever would hear it is about to go.
  void silence() { silent_.store(true); }

  /// The calling io thread's newest view. Copy the pointer to keep the view over a suspension.
  const std::shared_ptr<const View>& view();
  /// False when no map newer than `version` came before `deadline`.
  boost::asio::awaitable<bool> wait_for_map(std::uint64_t version, SteadyTime deadline);

  /// Of the calling io thread.
  boost::asio::io_context::executor_type executor() { return here().io->get_executor(); }
  ReadHealth& health() { return here().health; }
  SlowWatch& slow_watch() { return *here().slow_watch; }

  Admission& admission() { return *admission_; }
  Admission& read_budget() { return *read_budget_; }
  const Client::Options& options() const { return options_; }

  /// Tells that a drive which the map has as in failed; what a drive that is out answers is no news.
  void drive_failed(DriveIndex drive, const Error& failure);
  void record_damaged(const DamagedRecord& record);

  /// Picks a set for a new extent: whole ones first, each in turn, ones with a full drive last. Null when none can take
  /// it.
  const StripeSet* choose_set(const View& view);
  /// A drive of the set has no room: new extents go elsewhere for a while.
  void set_is_full(SetId set);

 private:
  struct alignas(64) Thread {
    explicit Thread(boost::asio::io_context& context)
        : io(&context), slow_watch(std::make_shared<SlowWatch>(context)) {}
    boost::asio::io_context* io;
    std::uint64_t generation = 0;
    std::shared_ptr<const View> view;
    std::list<boost::asio::steady_timer*> map_waiters;  // Cancelled when a map arrives.
    ReadHealth health;
    std::shared_ptr<SlowWatch> slow_watch;  // Shared with its own timer.
    std::size_t turn = 0;
    std::vector<std::pair<SetId, SteadyTime>> full_sets;  // And when to try them again.
  };
  Thread& here();
  bool is_full(Thread& thread, SetId set, SteadyTime now);
  void replace_view(std::shared_ptr<const View> view);

  const Client::Options options_;
  const Client::Events events_;
  std::atomic<bool> silent_{false};
  // Shared with wake-ups they have posted to other threads.
  std::shared_ptr<Admission> admission_;
  std::shared_ptr<Admission> read_budget_;
  std::vector<std::unique_ptr<Thread>> threads_;

  mutable std::mutex mutex_;
  std::shared_ptr<const View> newest_;        // GUARDED_BY(mutex_)
  bool has_map_ = false;                      // GUARDED_BY(mutex_)
  std::atomic<std::uint64_t> generation_{1};  // Of newest_; written under the mutex.
};

}  // namespace firn::volume
