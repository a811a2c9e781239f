#pragma once

#include "firn/objects/store.h"

namespace firn::objects {

/// Reads of a copy's source before giving up: each further one means that the source was replaced within the few
/// milliseconds of the one before.
inline constexpr int kSourceAttemptsMax = 5;

/// The source as it is now, if its check allows the copy.
Task<metadata::Object> find_source(metadata::Client& metadata, const CopySource& source);

/// A full-object checksum of a range of the source's bytes, which are read for it. Errc::source_changed when the source
/// is no longer `expected`.
Task<metadata::Checksum> checksum_of_range(Store& store, const CopySource& source, const metadata::Object& expected,
                                           ByteRange range, ChecksumAlgorithm algorithm);

}  // namespace firn::objects
