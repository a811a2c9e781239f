#include "server/bucket_table.h"

#include <mutex>

namespace firn::metadata {

void BucketTable::load(std::vector<Bucket> buckets) {
  const std::unique_lock lock(mutex_);
  buckets_.clear();
  for (Bucket& bucket : buckets) buckets_.emplace(bucket.name, std::move(bucket));
}

void BucketTable::add(const Bucket& bucket) {
  const std::unique_lock lock(mutex_);
  buckets_.insert_or_assign(bucket.name, bucket);
}

void BucketTable::remove(const Bucket& bucket) {
  const std::unique_lock lock(mutex_);
  buckets_.erase(bucket.name);
}

std::optional<Bucket> BucketTable::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Bucket> BucketTable::list(std::string_view start_after, std::string_view prefix, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<Bucket> page;
  auto bucket =
      !start_after.empty() && start_after >= prefix ? buckets_.upper_bound(start_after) : buckets_.lower_bound(prefix);
  for (; bucket != buckets_.end() && page.size() < limit && bucket->first.starts_with(prefix); ++bucket) {
    page.push_back(bucket->second);
  }
  return page;
}

}  // namespace firn::metadata
