#include "s3/upload_id.h"

#include "firn/objects/names.h"
#include "s3/ranges.h"

namespace firn::gateway {

Result<Uuid> upload_id(const Request& request) {
  const std::string* text = request.query.find("uploadId");
  if (!text) return client_error(Errc::invalid_argument, "This operation does not accept a request without uploadId");
  Uuid id;
  if (!parse(*text, id)) return Errc::no_such_upload;
  return id;
}

Result<std::uint32_t> part_number(const Request& request) {
  const std::string* text = request.query.find("partNumber");
  const auto number = text ? parse_decimal(*text) : std::nullopt;
  if (!number || *number == 0 || *number > objects::kPartNumberMax) {
    return client_error(Errc::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive");
  }
  return static_cast<std::uint32_t>(*number);
}

}  // namespace firn::gateway
