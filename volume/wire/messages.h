#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/volume/drive_service.h"
#include "wire/frame.h"

// The bodies of docs/formats/shard-protocol.md, packed as they travel.
namespace firn::volume::wire {

/// Extents one `remove` names, and rows one `list` answers: both fit a body.
inline constexpr std::size_t kExtentsPerRemove = 4000;
inline constexpr std::uint32_t kRowsPerList = 1024;

struct ExtentBody {
  std::uint64_t lease;
  std::uint64_t counter;
};

struct DriveBody {  ///< sync, sync_index, usage; the front of remove and raise_epoch
  std::uint16_t drive;
  std::uint8_t zero[6];
  std::uint64_t opening;
};

struct AppendBody {
  std::uint16_t drive;
  std::uint8_t shard;
  std::uint8_t data_shards;
  std::uint8_t parity_shards;
  std::uint8_t zero[3];
  std::uint64_t opening;
  ExtentBody extent;
  std::uint32_t stripe;
  std::uint32_t set;
  std::uint32_t set_epoch;
  std::uint32_t chunk_bytes;
  std::uint64_t extent_bytes;
  std::uint64_t owner_bucket;
};

struct ReadBody {
  std::uint16_t drive;
  std::uint8_t shard;
  std::uint8_t zero[5];
  ExtentBody extent;
  std::uint32_t stripe;
  std::uint32_t offset;
  std::uint32_t length;
  std::uint32_t zero_end;
};

struct ReadAnswerBody {
  std::uint32_t first_block;
  std::uint32_t zero;
};

struct ListBody {
  std::uint16_t drive;
  std::uint8_t shard;
  std::uint8_t zero[5];
  ExtentBody extent;
  std::uint32_t stripe;
  std::uint32_t limit;
};

struct ListAnswerBody {
  std::uint8_t complete;
  std::uint8_t zero[7];
};

struct RowBody {
  ExtentBody extent;
  std::uint64_t extent_bytes;
  std::uint32_t stripe;
  std::uint32_t set;
  std::uint32_t set_epoch;
  std::uint32_t stored_bytes;
  std::uint8_t shard;
  std::uint8_t zero[7];
};

struct EpochBody {
  std::uint32_t set;
  std::uint32_t epoch;
};

struct UsageAnswerBody {
  std::uint64_t capacity_bytes;
  std::uint64_t allocated_bytes;
  std::uint64_t live_bytes;
};

struct ServedDriveBody {
  std::array<std::uint8_t, 16> uuid;
  std::uint64_t opening;
  std::uint16_t drive;
  std::uint8_t zero[6];
};

static_assert(sizeof(DriveBody) == 16 && sizeof(AppendBody) == 64 && sizeof(ReadBody) == 40);
static_assert(sizeof(ListBody) == 32 && sizeof(RowBody) == 48 && sizeof(ServedDriveBody) == 32);
static_assert(sizeof(ListAnswerBody) + kRowsPerList * sizeof(RowBody) <= kBodyBytesMax);
static_assert(sizeof(DriveBody) + kExtentsPerRemove * sizeof(ExtentBody) <= kBodyBytesMax);

/// Takes the structures that a body is made of, from front to back.
class BodyReader {
 public:
  explicit BodyReader(ByteView body) : left_(body) {}

  template <class Part>
  bool take(Part& part) {
    static_assert(std::has_unique_object_representations_v<Part>);
    if (left_.size() < sizeof part) return false;
    std::memcpy(&part, left_.data(), sizeof part);
    left_ = left_.subspan(sizeof part);
    return true;
  }
  bool at_end() const { return left_.empty(); }
  std::size_t left() const { return left_.size(); }

 private:
  ByteView left_;
};

/// One opening of a drive at the node that serves it.
struct ServedDrive {
  DriveIndex index;
  Uuid uuid;
  std::uint64_t opening = 0;
  friend bool operator==(const ServedDrive&, const ServedDrive&) = default;
};

// What a server reads. None: the body breaks a rule.
struct DriveRequest {
  DriveIndex drive;
  std::uint64_t opening = 0;
};
struct AppendRequest {
  DriveRequest target;
  Append append;  ///< Without the record: it is the payload.
};
struct ReadRequest {
  DriveIndex drive;
  RecordKey key;
  ByteRange range;
};
struct RemoveRequest {
  DriveRequest target;
  std::vector<ExtentId> extents;
};
struct ListRequest {
  DriveIndex drive;
  RecordKey after;
  std::uint32_t limit = 0;
};
struct EpochRequest {
  DriveRequest target;
  SetId set;
  SetEpoch epoch;
};
std::optional<DriveRequest> decode_drive(ByteView body);
std::optional<AppendRequest> decode_append(ByteView body);
std::optional<ReadRequest> decode_read(ByteView body);
std::optional<RemoveRequest> decode_remove(ByteView body);
std::optional<ListRequest> decode_list(ByteView body);
std::optional<EpochRequest> decode_epoch(ByteView body);

// What a client reads.
struct ListAnswer {
  std::vector<RecordInfo> rows;
  bool complete = false;
};
std::optional<std::uint32_t> decode_first_block(ByteView body);
std::optional<ListAnswer> decode_rows(ByteView body);
std::optional<DriveUsage> decode_usage(ByteView body);
std::optional<std::vector<ServedDrive>> decode_served(ByteView body);

// What either writes, behind FrameBytes::begin.
void put_drive(FrameBytes& frame, DriveRequest target);
void put_append(FrameBytes& frame, std::uint64_t opening, DriveIndex drive, const Append& append);
void put_read(FrameBytes& frame, const ReadRequest& request);
void put_list(FrameBytes& frame, const ListRequest& request);
void put_epoch(FrameBytes& frame, const EpochRequest& request);
void put_rows(FrameBytes& frame, const ListAnswer& answer);
void put_usage(FrameBytes& frame, const DriveUsage& usage);
void put_served(FrameBytes& frame, const std::vector<ServedDrive>& drives);

}  // namespace firn::volume::wire
