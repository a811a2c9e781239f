#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>

#include "event.h"

namespace firn::volume {

/// Wakes readers whose drive lets them wait too long. One coarse timer for all of an io thread's readers: arming one
/// per read would cost more than the reads that need it. It stops when nobody waits.
///
/// Threads: one io thread's own. Only the timer's own wait owns the timer: it ends with its io_context, whenever the
/// watch goes.
class SlowWatch : public std::enable_shared_from_this<SlowWatch> {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SlowWatch(boost::asio::io_context& io) : io_(io) {}

  /// While it lives, `event` is signalled once when `deadline` has passed.
  class Entry {
   public:
    Entry(SlowWatch& watch, Event& event, Clock::time_point deadline);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { watch_.entries_.erase(place_); }

   private:
    friend class SlowWatch;
    SlowWatch& watch_;
    Event& event_;
    Clock::time_point deadline_;
    std::list<Entry*>::iterator place_;
  };

 private:
  void arm(std::shared_ptr<boost::asio::steady_timer> timer);
  void tick();

  boost::asio::io_context& io_;
  std::list<Entry*> entries_;
  bool armed_ = false;

  static constexpr std::chrono::milliseconds kTick{5};
};

}  // namespace firn::volume
