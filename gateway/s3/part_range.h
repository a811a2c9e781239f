#pragma once

#include <optional>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/metadata/model.h"
#include "s3/request.h"

namespace firn::gateway {

/// What ?partNumber=N of GET and HEAD asks for.
struct PartRange {
  std::optional<std::uint32_t> number;       ///< Missing when the request names no part.
  std::optional<ByteRange> range;            ///< Of the object's bytes.
  const metadata::PartInfo* info = nullptr;  ///< Null for an object that was not made of parts.
};

/// Errc::invalid_argument for what is no part number or together with Range, invalid_part_number when there is no such
/// part. An object put in one piece has part 1 only.
Result<PartRange> asked_part(const Request& request, const metadata::Object& object);

}  // namespace firn::gateway
