#pragma once

#include <string>
#include <string_view>

#include "firn/base/ids.h"

namespace firn::metadata {

/// Keys of the state's rows: docs/formats/metadata-keys.md. Functions ending in `_prefix` give what a scan begins with.
namespace keys {

// current
std::string object(BucketId bucket, std::string_view key);
std::string objects_prefix(BucketId bucket);

// uploads
std::string upload(BucketId bucket, std::string_view key, const Uuid& id);
std::string uploads_prefix(BucketId bucket);
/// Of all uploads of one object key.
std::string uploads_prefix(BucketId bucket, std::string_view key);
/// Of all uploads whose object key begins with `key_prefix`.
std::string uploads_with_key_prefix(BucketId bucket, std::string_view key_prefix);
/// The object key and the upload id of a row found by a scan of uploads; false when it is none.
bool parse_upload(std::string_view row, std::string& key, Uuid& id);
std::string part(const Uuid& upload, std::uint32_t number);
std::string parts_prefix(const Uuid& upload);
bool parse_part(std::string_view row, std::uint32_t& number);
std::string completed(const Uuid& upload);
std::string completed_by_age(std::uint64_t log_index);
std::string completed_by_age_prefix();

// inline
std::string inline_body(std::uint64_t log_index);

// extents
enum class HolderKind : std::uint8_t { object = 1, part = 2 };
std::string holder(const ExtentId& extent, HolderKind kind, const VersionOrder& order);
std::string holders_prefix(const ExtentId& extent);
std::string all_holders_prefix();
bool parse_holder(std::string_view row, ExtentId& extent, HolderKind& kind, VersionOrder& order);
std::string extent_of_set(SetId set, const ExtentId& extent);
std::string extents_of_set_prefix(SetId set);
std::string all_sets_prefix();
bool parse_extent_of_set(std::string_view row, SetId& set, ExtentId& extent);
std::string freed_extent(const ExtentId& extent);
std::string freed_extents_prefix();

// degraded
std::string degraded_extent(const ExtentId& extent);
std::string degraded_extents_prefix();
bool parse_degraded_extent(std::string_view row, ExtentId& extent);
std::string degraded_object(const VersionOrder& order);
std::string degraded_objects_prefix();

// freed
std::string freed(std::uint64_t sequence);
bool parse_freed(std::string_view row, std::uint64_t& sequence);

// buckets
std::string bucket_by_name(std::string_view name);
std::string buckets_by_name_prefix();
std::string bucket_by_id(BucketId bucket);
std::string bucket_usage(BucketId bucket);
std::string bucket_usages_prefix();
std::string deleted_bucket(BucketId bucket);
std::string deleted_buckets_prefix();
bool parse_deleted_bucket(std::string_view row, BucketId& bucket);

// default
std::string progress();
std::string cluster_map();
std::string set_history(SetId set, SetEpoch epoch);
std::string set_history_prefix(SetId set);
std::string lease(LeaseId lease);
std::string leases_prefix();
std::string lease_of_gateway(const Uuid& gateway, LeaseId lease);
std::string leases_of_gateway_prefix(const Uuid& gateway);
std::string leases_of_all_gateways_prefix();
bool parse_lease_of_gateway(std::string_view row, LeaseId& lease);
/// `sets` as `encode_sets` gives them.
std::string objects_in_sets(std::string_view sets);
std::string objects_in_sets_prefix();
std::string config(std::string_view name);
std::string fence(std::uint64_t member);
std::string fences_prefix();
bool parse_fence(std::string_view row, std::uint64_t& member);

}  // namespace keys
}  // namespace firn::metadata
