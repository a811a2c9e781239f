#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "firn/erasure/codec.h"
#include "firn/volume/cluster_map.h"
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// The drives on which one shard's records may be.
using Sources = boost::container::static_vector<DriveIndex, 2>;

/// What one io thread knows of the cluster: the map, who answers for each drive, and what follows from both.
/// Immutable: a change makes another.
class View {
 public:
  View(std::shared_ptr<const ClusterMap> map, std::vector<std::shared_ptr<DriveService>> services);

  const ClusterMap& map() const { return *map_; }
  const std::shared_ptr<const ClusterMap>& shared_map() const { return map_; }
  const std::vector<std::shared_ptr<DriveService>>& services() const { return services_; }

  /// Null when the drive is absent. Lives as long as the view.
  DriveService* service(DriveIndex drive) const;
  /// Where the shard's records are read: its drive, and the one it moves from; those that are in come first, absent
  /// ones are left out.
  Sources sources(const StripeSet& set, std::uint8_t shard) const;
  /// Null when the map has no such set, or one whose members don't fit its shape.
  const StripeSet* find_set(SetId id) const;
  /// Of a shape that some set of the map has.
  const erasure::Codec& codec(erasure::Shape shape) const;

  /// Open sets whose write quorum can be met; those with every drive in come first.
  const std::vector<const StripeSet*>& writable_sets() const { return writable_; }
  /// How many of `writable_sets` have every drive in.
  std::size_t whole_sets() const { return whole_sets_; }

 private:
  // Shared because each io thread's copy of the view, and callers of Client::map, hold them in no order.
  std::shared_ptr<const ClusterMap> map_;
  std::vector<std::shared_ptr<DriveService>> services_;  // By drive index.
  std::vector<std::pair<erasure::Shape, std::shared_ptr<const erasure::Codec>>> codecs_;
  std::vector<const StripeSet*> writable_;
  std::size_t whole_sets_ = 0;
};

}  // namespace firn::volume
