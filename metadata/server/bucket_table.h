#pragma once

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "firn/metadata/client.h"

namespace firn::metadata {

/// All buckets in memory: every request names one. Changed by apply before it answers, so what a client has seen is
/// here.
///
/// Threads: any. Memory: some 200 bytes for each of at most 10,000 buckets.
class BucketTable {
 public:
  void load(std::vector<Bucket> buckets);
  void add(const Bucket& bucket);
  void remove(const Bucket& bucket);

  std::optional<Bucket> find(std::string_view name) const;
  /// In name order after `start_after`.
  std::vector<Bucket> list(std::string_view start_after, std::string_view prefix, std::size_t limit) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace firn::metadata
