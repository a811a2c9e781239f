#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "log/replicated_log.h"

namespace firn::metadata {

/// Readers that wait until the state here has what was answered before they came. Many share one question to the
/// leader: those that come while one is under way share the next.
///
/// Threads: any. Barriers are called without the lock, on the thread that brought them about.
class ReadBarriers {
 public:
  using Clock = std::chrono::steady_clock;
  using Barrier = ReplicatedLog::Barrier;
  /// Asks the leader; may be forgotten by it.
  using Ask = std::function<void(std::uint64_t request)>;

  ReadBarriers(Ask ask, std::chrono::milliseconds patience, std::chrono::milliseconds ask_again)
      : ask_(std::move(ask)), patience_(patience), ask_again_(ask_again) {}

  void add(Barrier reached);
  /// The leader's answer: everything answered before the request lies up to `index`.
  void answered(std::uint64_t request, std::uint64_t index);
  void applied(std::uint64_t index);
  /// Asks again what was not answered, and fails what has waited too long.
  void tick(Clock::time_point now);
  /// There is another leader: what the last was asked is asked again at once.
  void leader_changed();
  /// Fails all, and those that come later.
  void close(const Error& why);

 private:
  struct Waiting {
    Barrier reached;
    Clock::time_point until;
    std::uint64_t request = 0;  ///< The first that was asked since it came: answers to later ones are as good.
  };
  void ask(Clock::time_point now);

  const Ask ask_;
  const std::chrono::milliseconds patience_, ask_again_;
  std::mutex mutex_;
  std::vector<Waiting> next_;                       ///< Came after the request under way.
  std::vector<Waiting> asked_;                      ///< Wait for its answer.
  std::multimap<std::uint64_t, Waiting> answered_;  ///< Wait for apply, by index.
  std::uint64_t request_ = 0;
  Clock::time_point asked_at_;
  std::uint64_t applied_ = 0;
  Result<> closed_;
};

}  // namespace firn::metadata
