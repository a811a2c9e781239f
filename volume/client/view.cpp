#include "view.h"

#include <algorithm>
#include <bit>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

bool well_formed(const StripeSet& set) { return erasure::valid(set.shape) && set.members.size() == set.shape.total(); }

}  // namespace

View::View(std::shared_ptr<const ClusterMap> map, std::vector<std::shared_ptr<DriveService>> services)
    : map_(std::move(map)), services_(std::move(services)) {
  for (const auto& [id, set] : map_->sets) {
    if (!well_formed(set)) continue;
    const auto same_shape = [&set = set](const auto& entry) { return entry.first == set.shape; };
    if (std::ranges::none_of(codecs_, same_shape)) {
      codecs_.emplace_back(set.shape, std::make_shared<const erasure::Codec>(set.shape));
    }
    const WriteQuorum quorum = write_quorum(*map_, set);
    if (!set.open || !quorum.reachable()) continue;
    const bool whole = std::popcount(quorum.available) == set.shape.total();
    writable_.insert(whole ? writable_.begin() + static_cast<std::ptrdiff_t>(whole_sets_++) : writable_.end(), &set);
  }
}

DriveService* View::service(DriveIndex drive) const {
  return drive.value < services_.size() ? services_[drive.value].get() : nullptr;
}

Sources View::sources(const StripeSet& set, std::uint8_t shard) const {
  Sources drives;
  if (service(set.members[shard])) drives.push_back(set.members[shard]);
  if (const auto from = set.moves_from(shard); from && service(*from)) {
    const bool first = !map_->is_in(set.members[shard]) && map_->is_in(*from);
    drives.insert(first ? drives.begin() : drives.end(), *from);
  }
  return drives;
}

const StripeSet* View::find_set(SetId id) const {
  const StripeSet* set = map_->find_set(id);
  return set && well_formed(*set) ? set : nullptr;
}

const erasure::Codec& View::codec(erasure::Shape shape) const {
  const auto found = std::ranges::find_if(codecs_, [shape](const auto& entry) { return entry.first == shape; });
  FIRN_ASSERT(found != codecs_.end());
  return *found->second;
}

}  // namespace firn::volume
