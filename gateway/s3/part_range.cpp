#include "s3/part_range.h"

#include "firn/objects/names.h"
#include "s3/ranges.h"

namespace firn::gateway {

Result<PartRange> asked_part(const Request& request, const metadata::Object& object) {
  const std::string* text = request.query.find("partNumber");
  if (!text) return PartRange{};
  const auto number = parse_decimal(*text);
  if (!number || *number == 0 || *number > objects::kPartNumberMax) {
    return client_error(Errc::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive");
  }
  if (request.has_header("Range")) {
    return client_error(Errc::invalid_request, "Cannot specify both Range header and partNumber query parameter");
  }
  PartRange part{.number = static_cast<std::uint32_t>(*number)};
  if (object.parts.empty()) {
    if (*number != 1) return Errc::invalid_part_number;
    part.range = ByteRange{0, object.size_bytes};
    return part;
  }
  std::uint64_t offset = 0;
  for (const metadata::PartInfo& info : object.parts) {
    if (info.number == *number) {
      part.range = ByteRange{offset, info.size_bytes};
      part.info = &info;
      return part;
    }
    offset += info.size_bytes;
  }
  return Errc::invalid_part_number;
}

}  // namespace firn::gateway
