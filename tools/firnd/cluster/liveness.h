#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "cluster/hello.h"
#include "firn/base/ids.h"
#include "firn/metadata/model.h"

namespace firn::server {

/// Which drives are in and out, as the node that leads the metadata sees the others. It alone decides that; what it
/// decides is a change of the map. No I/O, no clock.
///
/// Threads: io thread 0.
class Liveness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// A node that serves answers twice a second. Longer than a pause that a busy machine makes; short, because until its
  /// drives are out a write that needs them fails.
  static constexpr std::chrono::milliseconds kSilenceMax{2'500};

  /// How long the drives of a node that is back wait for every other node to reach it: until one does, what it writes
  /// to them fails. Each tries once a second. Longer would be wrong: two may be cut off from each other alone.
  static constexpr std::chrono::milliseconds kReachPatience{2'500};

  explicit Liveness(std::uint32_t nodes);
  /// Who is of the cluster now. Others are forgotten; who is new was not silent before.
  void know(const std::vector<NodeId>& nodes, Time now);

  /// This node leads from now on: nobody was silent before.
  void begin(Time now);
  void heard(Hello hello, Time now);
  /// It does not answer, and the shards' connections know it to be gone: there is nothing to wait for.
  void gone(NodeId node);

  struct Changes {
    std::vector<DriveIndex> out, in;
    std::vector<DriveIndex> closing, reopening;
    bool empty() const { return out.empty() && in.empty() && closing.empty() && reopening.empty(); }
  };
  /// A node that is silent, or does not serve yet, has its drives out after `kSilenceMax`; at once if it is gone, or
  /// says that it leaves while all others stay. One that serves has those out that it says are not well, and those in
  /// that are, once the others reach it. The drives of a node that is about to stop are closed, those of one node at a
  /// time, until they are out or it stops no more.
  Changes changes(const metadata::MapRecord& map, Time now) const;

  /// Extents under this lease and later ones may still be being written by some node; 0 while one was never heard.
  LeaseId first_open_lease() const;
  /// Serves, and was heard within `kSilenceMax`.
  bool well(NodeId node, Time now) const;

 private:
  struct Seen {
    Time well_at{};
    Time well_since{};
    std::optional<Hello> last;  ///< As it said while it served.
  };
  static bool stops(const Seen& seen);
  bool stays(NodeId node, Time now) const;
  /// When several stop, as when the cluster is stopped, no map would do for long.
  bool may_leave(NodeId node, Time now) const;
  bool may_close(NodeId node, Time now) const;
  bool may_return(NodeId node, Time now) const;
  std::map<NodeId, Seen> nodes_;
};

}  // namespace firn::server
