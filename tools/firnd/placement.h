#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "firn/base/ids.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// A drive that may hold shards, and the domain it fails with: its node.
struct PlacementDrive {
  DriveIndex index;
  std::string domain;
};

/// Sebastiano Vigna's splitmix64: a well mixed number for each input, the same on every machine.
std::uint64_t mixed(std::uint64_t value);

/// Whether the loss of any one domain would leave k shards of a set spread over that many.
bool domains_suffice(std::size_t domains, erasure::Shape shape);

/// The places of `count` sets: shard i of the n-th set is on `[n][i]`.
///
/// Each set is spread over the domains as evenly as their number allows (six shards over four nodes: 2|2|1|1), then
/// over the drives of each; over all sets, every drive of a domain carries the same within one shard, and data shards,
/// which alone are read while all is well, are dealt out as evenly as all of them. Deterministic for a seed.
std::vector<std::vector<DriveIndex>> place_sets(const std::vector<PlacementDrive>& drives, erasure::Shape shape,
                                                std::size_t count, std::uint64_t seed);

}  // namespace firn::server
