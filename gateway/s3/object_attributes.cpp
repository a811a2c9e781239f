#include <algorithm>
#include <array>

#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/ranges.h"
#include "s3/timestamps.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

constexpr std::string_view kAttributesHeader = "x-amz-object-attributes";
constexpr std::uint32_t kPartsPageMax = 1000;

struct Wanted {
  bool etag = false, checksum = false, parts = false, storage_class = false, size = false;
};

/// Marks the attributes one header line names.
Result<> mark_wanted(std::string_view names, Wanted& wanted) {
  while (!names.empty()) {
    const auto comma = names.find(',');
    std::string_view name = names.substr(0, comma);
    names = comma == std::string_view::npos ? std::string_view{} : names.substr(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == "ETag")
      wanted.etag = true;
    else if (name == "Checksum")
      wanted.checksum = true;
    else if (name == "ObjectParts")
      wanted.parts = true;
    else if (name == "StorageClass")
      wanted.storage_class = true;
    else if (name == "ObjectSize")
      wanted.size = true;
    else
      return client_error(Errc::invalid_argument, "Invalid attribute name specified.");
  }
  return Unit{};
}

Result<Wanted> parse_wanted(const Request& request) {
  Wanted wanted;
  const auto [begin, end] = request.headers->equal_range(kAttributesHeader);
  if (begin == end) {
    return client_error(Errc::invalid_argument,
                        "The x-amz-object-attributes header specifying the attributes to be "
                        "retrieved is either missing or empty");
  }
  for (auto line = begin; line != end; ++line) {
    if (auto marked = mark_wanted(line->value(), wanted); !marked) return std::move(marked).error();
  }
  return wanted;
}

struct PartsPage {
  std::uint32_t marker = 0;
  std::uint32_t max = kPartsPageMax;
};

Result<PartsPage> parse_page(const Request& request) {
  PartsPage page;
  const auto number = [&request](std::string_view name, std::uint32_t most, std::uint32_t& into) {
    const std::string_view text = request.header(name);
    if (text.empty()) return true;
    const auto value = parse_decimal(text);
    if (value) into = static_cast<std::uint32_t>(std::min<std::uint64_t>(*value, most));
    return value.has_value();
  };
  if (!number("x-amz-max-parts", kPartsPageMax, page.max)) {
    return client_error(Errc::invalid_argument, "x-amz-max-parts must be a number");
  }
  if (!number("x-amz-part-number-marker", objects::kPartNumberMax, page.marker)) {
    return client_error(Errc::invalid_argument, "x-amz-part-number-marker must be a number");
  }
  return page;
}

void write_parts(XmlWriter& xml, const metadata::Object& object, const PartsPage& page) {
  const auto& parts = object.parts;
  const auto first =
      std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return part.number > page.marker; });
  const auto count = std::min<std::size_t>(page.max, static_cast<std::size_t>(parts.end() - first));
  const auto last = first + static_cast<std::ptrdiff_t>(count);
  xml.open("ObjectParts");
  xml.number("PartsCount", parts.size());
  xml.number("PartNumberMarker", page.marker);
  xml.number("NextPartNumberMarker", count > 0 ? (last - 1)->number : page.marker);
  xml.number("MaxParts", page.max);
  xml.boolean("IsTruncated", last != parts.end());
  for (auto part = first; part != last; ++part) {
    xml.open("Part");
    xml.number("PartNumber", part->number);
    xml.number("Size", part->size_bytes);
    write_checksum(xml, {.algorithm = object.checksum.algorithm, .value = part->checksum}, 0, false);
    xml.close("Part");
  }
  xml.close("ObjectParts");
}

}  // namespace

// GetObjectAttributes. ObjectParts exists for objects made of parts alone.
Task<Reply> get_object_attributes(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(reject_unsupported_read_headers(request));
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const auto wanted, parse_wanted(request));
  CO_TRY_LET(const auto page, parse_page(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto found, co_await request.store->find(bucket.id, request.key));
  const metadata::Object& object = found.object;

  XmlWriter xml("GetObjectAttributesResponse");
  if (wanted.etag) xml.element("ETag", object.etag);
  if (wanted.checksum && object.checksum.algorithm != ChecksumAlgorithm::none) {
    xml.open("Checksum");
    write_checksum(xml, object.checksum, object.parts.size(), true);
    xml.close("Checksum");
  }
  if (wanted.parts && !object.parts.empty()) write_parts(xml, object, page);
  if (wanted.storage_class) xml.element("StorageClass", shown_storage_class(object.attributes.storage_class));
  if (wanted.size) xml.number("ObjectSize", object.size_bytes);
  Reply reply = xml_reply(std::move(xml));
  reply.add("Last-Modified", http_date(object.modified_ms));
  co_return reply;
}

}  // namespace firn::gateway
