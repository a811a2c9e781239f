#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/checksum.h"
#include "firn/base/log.h"
#include "virtual_time.h"

namespace firn::simulation {

/// Numbers from a seed: Sebastiano Vigna's splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t value = state_ += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
  }
  /// 0 <= number < bound.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  /// A generator of its own, so that what one part asks for does not shift what another gets.
  Random fork() { return Random(next()); }

 private:
  std::uint64_t state_;
};

/// Everything that happened, as one hash: two runs of a seed must agree in it.
class Trace {
 public:
  void add(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
    const std::uint64_t words[] = {
        hash_, static_cast<std::uint64_t>(VirtualTime::elapsed().count()), a, b, c, xxh3(as_bytes(what))};
    hash_ = xxh3(std::as_bytes(std::span(words)));
    ++events_;
    log::debug("{}: {} {} {}", what, a, b, c);
  }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t events() const { return events_; }

 private:
  std::uint64_t hash_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace firn::simulation
