#pragma once

#include <vector>

#include "firn/metadata/client.h"
#include "rows/key_values.h"

/// What clients ask of the state. Plain functions of a reader; those that read several rows say whether that has to be
/// a snapshot.
namespace firn::metadata::query {

// objects.cpp
/// Needs no snapshot: when an inline body vanishes between record and body, the record is read again.
Result<FoundObject> find_object(const Reader& state, BucketId bucket, std::string_view key, bool with_inline_bodies);
/// One cursor is one snapshot.
Result<ListPage> list_objects(const Reader& state, const ListQuery& query);

// uploads.cpp
Result<Upload> find_upload(const Reader& state, BucketId bucket, std::string_view key, const Uuid& id);
struct PartsQuery {
  BucketId bucket;
  std::string key;
  Uuid upload;
  std::uint32_t part_number_marker = 0;
  std::uint32_t max_parts = 1000;
};
/// Needs a snapshot.
Result<PartPage> list_parts(const Reader& state, const PartsQuery& query);
Result<UploadPage> list_uploads(const Reader& state, const UploadQuery& query);

// cluster.cpp
Result<BucketUsage> usage(const Reader& state, BucketId bucket);
Result<std::vector<Bucket>> all_buckets(const Reader& state);
Result<std::vector<BucketId>> deleted_buckets(const Reader& state);
Result<MapRecord> cluster_map(const Reader& state);
Result<std::string> find_config(const Reader& state, std::string_view name);
Result<std::vector<FreedExtent>> list_freed(const Reader& state, std::size_t limit);
/// Needs a snapshot: an extent moves between holders and the freed queue in one command.
Result<std::vector<bool>> needed(const Reader& state, const std::vector<ExtentId>& extents);
Result<std::vector<DegradedExtent>> list_degraded(const Reader& state, ExtentId after, std::size_t limit);
struct ExtentsQuery {
  SetId set;
  ExtentId after;
  std::size_t limit = 0;
};
Result<std::vector<DegradedExtent>> list_extents(const Reader& state, const ExtentsQuery& query);
/// Needs a snapshot.
Result<std::uint64_t> count_below_full_redundancy(const Reader& state);

}  // namespace firn::metadata::query
