#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/metadata/client.h"
#include "rows/key_values.h"

namespace firn::metadata {

/// Where the state stands. Written with every command, so a flushed state knows which entries it covers.
struct Progress {
  std::uint64_t applied_index = 0;
  UnixMs time_ms = 0;
  std::uint32_t shard_epoch = 1;
  std::uint32_t feature_level = 1;
  std::uint64_t next_bucket = 1;
  std::uint64_t next_lease = 1;  ///< Lease 0 marks inline bodies.
  std::uint64_t next_freed = 1;
  std::uint64_t buckets = 0;
  std::uint64_t completed = 0;         ///< Outcomes of completes that are kept.
  std::uint64_t oldest_completed = 0;  ///< Log index: no kept outcome is older. Scans start here, past the tombstones.
  std::uint64_t first_freed = 1;       ///< No lower sequence is in the freed queue.
};
Result<Progress> load_progress(const Reader& state);
void store_progress(KeyValues& state, const Progress& progress);
Result<Progress> decode_progress(std::string_view payload);

/// What a holder row says of its extent, and for an object of all sets its extents lie in.
struct HolderRow {
  SetId set;
  std::uint64_t extent_bytes = 0;
  std::string sets;  ///< As `encode_sets` gives them; empty for parts and inline bodies.
};
std::string encode_sets(std::vector<SetId> sets);
std::vector<SetId> decode_sets(std::string_view sets);
std::string encode(const HolderRow& row);
bool decode(std::string_view payload, HolderRow& row);

/// Objects whose extents lie in exactly one collection of sets, and how many of them have a degraded extent.
struct SetsCount {
  std::uint64_t objects = 0;
  std::uint64_t degraded = 0;
};
std::string encode(const SetsCount& count);
bool decode(std::string_view payload, SetsCount& count);

/// `extent` and `sequence` are in the keys.
std::string encode(const DegradedExtent& row);
bool decode(std::string_view payload, DegradedExtent& row);
std::string encode(const FreedExtent& row);
bool decode(std::string_view payload, FreedExtent& row);

std::string encode(const BucketUsage& usage);
bool decode(std::string_view payload, BucketUsage& usage);

std::string encode(const Bucket& bucket);
bool decode(std::string_view payload, Bucket& bucket);

std::string encode(const Upload& upload);
bool decode(std::string_view payload, Upload& upload);

/// How a complete came out.
struct CompletedRow {
  BucketId bucket;
  std::string key;
  Completed completed;
};
std::string encode(const CompletedRow& row);
bool decode(std::string_view payload, CompletedRow& row);

std::string encode(const MapRecord& map);
bool decode(std::string_view payload, MapRecord& map);

/// Who held the shards of a set: shard i was on members[i].
struct SetHistory {
  struct Member {
    DriveIndex drive;
    Uuid uuid;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::vector<Member> members;
};
std::string encode(const SetHistory& history);
bool decode(std::string_view payload, SetHistory& history);

/// A number, as the payload of several small rows.
std::string encode(std::uint64_t number);
bool decode(std::string_view payload, std::uint64_t& number);
std::string encode(const Uuid& id);
bool decode(std::string_view payload, Uuid& id);

/// The row decoded, or nothing when there is none. Errc::corrupt when it can't be.
template <class Row>
Result<std::optional<Row>> load(const Reader& state, Family family, std::string_view key);
/// Writes a sealed row.
template <class Row>
void store(KeyValues& state, Family family, std::string_view key, const Row& row);
/// A row met by a scan.
template <class Row>
Result<Row> unseal_row(Family family, std::string_view key, std::string_view value);

}  // namespace firn::metadata

#include "rows/rows_inline.h"
