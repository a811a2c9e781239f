#pragma once

#include <vector>

#include "firn/base/ids.h"
#include "firn/metadata/model.h"

namespace firn::objects {

/// The slices that hold `range` of what `slices` hold. The range lies within them.
std::vector<metadata::Slice> cut(const std::vector<metadata::Slice>& slices, ByteRange range);

/// An entity tag for bytes that are only referred to: 32 hexadecimal digits that name the very extents and offsets, so
/// the same source range gives the same tag and another one another. (The MD5 would cost reading the bytes; S3 promises
/// an MD5 only for objects made by one PUT.)
std::string reference_etag(const std::vector<metadata::Slice>& slices);

}  // namespace firn::objects
