#pragma once

#include <string_view>

#include "firn/metadata/model.h"

namespace firn::gateway {

/// S3's first region: the one that has no LocationConstraint, and whose CreateBucket is idempotent for the owner.
inline constexpr std::string_view kUsEast1 = "us-east-1";

/// Where a bucket says it is: the constraint it was made with, else the region this gateway goes by.
inline std::string_view bucket_region(const metadata::Bucket& bucket, std::string_view own_region) {
  return bucket.location.empty() ? own_region : std::string_view(bucket.location);
}

}  // namespace firn::gateway
