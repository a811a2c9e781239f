#include "src/slices.h"

#include <algorithm>

#include "firn/base/digest.h"

namespace firn::objects {

std::vector<metadata::Slice> cut(const std::vector<metadata::Slice>& slices, ByteRange range) {
  std::vector<metadata::Slice> wanted;
  std::uint64_t slice_begin = 0;
  for (const metadata::Slice& slice : slices) {
    const std::uint64_t begin = std::max(range.offset, slice_begin);
    const std::uint64_t end = std::min(range.end(), slice_begin + slice.length);
    if (begin < end) {
      metadata::Slice part = slice;
      part.offset = slice.offset + (begin - slice_begin);
      part.length = end - begin;
      wanted.push_back(part);
    }
    slice_begin += slice.length;
  }
  return wanted;
}

std::string reference_etag(const std::vector<metadata::Slice>& slices) {
  std::string identity;
  for (const metadata::Slice& slice : slices) {
    identity += to_string(slice.extent) + ':' + std::to_string(slice.offset) + '+' + std::to_string(slice.length) + ' ';
  }
  return to_hex(md5(as_bytes(identity)));
}

}  // namespace firn::objects
