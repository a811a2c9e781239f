#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace firn {

/// A number that can't be taken for another kind of number.
template <class Tag, class Rep>
struct Id {
  Rep value{};
  friend auto operator<=>(const Id&, const Id&) = default;
};

using BucketId = Id<struct BucketTag, std::uint64_t>;    ///< Never reused; a bucket made again has another.
using LeaseId = Id<struct LeaseTag, std::uint64_t>;      ///< Right of one gateway incarnation to name new extents.
using SetId = Id<struct SetTag, std::uint32_t>;          ///< A stripe set: k+m places.
using SetEpoch = Id<struct SetEpochTag, std::uint32_t>;  ///< Rises with each change of a set's members or states.
using DriveIndex =
    Id<struct DriveIndexTag, std::uint16_t>;       ///< A drive's number in its cluster; a replaced drive keeps it.
using NodeId = Id<struct NodeTag, std::uint32_t>;  ///< A node's number in its cluster, from 1; 0 is none.
using SegmentId = Id<struct SegmentTag, std::uint32_t>;  ///< A segment's number on its drive.

/// Sixteen random bytes: clusters, drives, uploads.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};
std::string to_string(const Uuid& uuid);  ///< 32 lower-case hexadecimal digits.
bool parse(std::string_view text, Uuid& uuid);

/// One immutable run of bytes coded over one stripe set: a write lease plus a counter under it. Never reused.
struct ExtentId {
  LeaseId lease;
  std::uint64_t counter = 0;
  friend auto operator<=>(const ExtentId&, const ExtentId&) = default;
};
std::string to_string(const ExtentId& extent);  ///< "lease-counter" in hexadecimal.

/// The place of a change in its metadata group's history. Orders versions of a key; unique for ever within a group.
struct VersionOrder {
  std::uint32_t shard_epoch = 0;
  std::uint64_t log_index = 0;
  friend auto operator<=>(const VersionOrder&, const VersionOrder&) = default;
};

/// Half open: [offset, offset + length).
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return offset + length; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

}  // namespace firn

template <class Tag, class Rep>
struct std::hash<firn::Id<Tag, Rep>> {
  std::size_t operator()(const firn::Id<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value); }
};
template <>
struct std::hash<firn::ExtentId> {
  std::size_t operator()(const firn::ExtentId& id) const noexcept {
    return id.lease.value * 0x9E3779B97F4A7C15ULL ^ (id.counter + 0x7F4A7C15ULL) * 0xC2B2AE3D27D4EB4FULL;
  }
};
template <>
struct std::hash<firn::Uuid> {
  std::size_t operator()(const firn::Uuid& id) const noexcept {
    std::uint64_t low = 0;
    std::memcpy(&low, id.bytes.data(), sizeof low);
    return low;
  }
};
