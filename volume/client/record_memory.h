#pragma once

#include <cstdint>
#include <new>

#include "admission.h"
#include "extent.h"
#include "firn/base/buffer.h"
#include "firn/volume/drive_service.h"
#include "firn/volume/record.h"

namespace firn::volume {

/// Memory of one record on its way to a drive: the header page and the chunk behind it, so that both go in one write.
struct RecordMemory {
  RecordMemory() = default;
  explicit RecordMemory(std::uint64_t payload_bytes) : bytes(kPageBytes + payload_bytes) {}

  explicit operator bool() const { return !bytes.empty(); }
  MutableBytes payload() { return bytes.span().subspan(kPageBytes); }
  RecordHeader& header() { return *std::launder(reinterpret_cast<RecordHeader*>(bytes.data())); }

  // In this order: memory is freed before its reservation ends.
  Admission::Reservation reservation;  ///< Empty when the whole stripe has one.
  Buffer bytes;
};

/// Which record of an extent: what `Append` needs beyond the extent's own facts.
struct RecordPlace {
  std::uint32_t stripe = 0;
  std::uint8_t shard = 0;
};

/// Makes the header page one that says nothing yet: checksums of blocks may be filled in as they come.
void clear_header(RecordMemory& record);
/// Says in the header which record it is. The drive adds where it lies.
void name_record(RecordMemory& record, const Extent& extent, RecordPlace place, BucketId owner);
/// Both, and the checksums: for a payload that is in place and zero-filled to whole blocks.
void fill_header(RecordMemory& record, const Extent& extent, RecordPlace place, BucketId owner);

/// The request that appends it under `epoch`.
Append append_request(RecordMemory& record, const Extent& extent, RecordPlace place, SetEpoch epoch);

}  // namespace firn::volume
