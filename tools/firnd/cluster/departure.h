#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "cluster/hello.h"
#include "firn/base/ids.h"
#include "firn/metadata/model.h"

namespace firn::server {

/// What a node that is about to stop waits for before its drives go out: that new extents go elsewhere, and that those
/// begun before are written. No I/O, no clock.
///
/// Threads: io thread 0.
class Departure {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// The leader looks twice a second, and closes sets by one commit. One of an older release never does.
  static constexpr std::chrono::seconds kClosingPatience{5};
  /// How long writes that have begun may go on before the drives go out, which fails them.
  static constexpr std::chrono::seconds kWritesPatience{10};

  Departure(NodeId own, Time now) : own_(own), begun_(now) {}

  /// By the map and what the nodes say now. Asked again and again until it is true.
  bool may_leave(const metadata::MapRecord& map, const std::vector<Hello>& hellos, Time now);

 private:
  struct Closed {
    std::uint64_t version = 0;  ///< Of the first map seen that says so.
    Time at{};
  };
  const NodeId own_;
  const Time begun_;
  std::optional<Closed> closed_;
};

}  // namespace firn::server
