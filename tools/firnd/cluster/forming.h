#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/hello.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// What a node that has never had metadata knows of itself.
struct Newcomer {
  NodeId node;
  std::size_t nodes = 0;  ///< Of the list; this one counts.
  std::uint64_t list_hash = 0;
  std::uint16_t drive_count = 0;
  Uuid cluster;                         ///< Of drives that an unfinished start has formatted; else zero.
  std::uint16_t drives_total = 0;       ///< As those drives say.
  std::optional<erasure::Shape> shape;  ///< As those drives say, or as asked for.
  bool has_records = false;             ///< Objects' bytes are on its drives.
};

/// What it is to do next.
struct FormingStep {
  enum class Kind : std::uint8_t {
    wait,   ///< `why` says for what.
    begin,  ///< The first of a new cluster: it has no id yet, or the one of `cluster`.
    join,   ///< The cluster there is.
  };
  Kind kind = Kind::wait;
  std::string why;
  Uuid cluster;
  erasure::Shape shape;
  std::uint16_t drives_total = 0;
  std::vector<DriveIndex> own;              ///< This node's drives.
  std::vector<std::uint16_t> drive_counts;  ///< Of all nodes in their order, for `begin`.
};

/// Decides from the peers' answers; no answer yet, or none any more, is an Error.
///
/// A cluster begins on node 1 alone, when every other node has answered that it has never heard of one. So there is
/// never a second beginning, whichever nodes are missing or were wiped.
/// Errc::invalid_argument with a message for people when this node can't become part of the cluster as it is.
Result<FormingStep> next_step(const Newcomer& self, const std::map<NodeId, Result<Hello>>& answers);

/// The drives of `node` when nodes have so many each: node 1's come first.
std::vector<DriveIndex> drives_of(NodeId node, const std::vector<std::uint16_t>& drive_counts);

}  // namespace firn::server
