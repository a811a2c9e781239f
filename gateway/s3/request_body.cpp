#include "s3/request_body.h"

#include <algorithm>

#include "firn/base/digest.h"
#include "firn/objects/names.h"
#include "s3/checksum_headers.h"

namespace firn::gateway {

namespace {

/// Compares a document with what its headers and trailers promise.
Result<> check_document(const objects::Integrity& integrity, objects::BodySource& source, const std::string& document) {
  objects::BodyHasher hasher(integrity.stated);
  hasher.update(as_bytes(document));
  if (!integrity.md5.empty() && hasher.finish_md5() != integrity.md5) return Errc::bad_digest;
  auto trailing = source.trailing_checksum();
  if (!trailing) return std::move(trailing).error();
  const std::string& expected = trailing->empty() ? integrity.checksum : *trailing;
  if (!expected.empty() && hasher.finish_checksum() != expected) {
    return client_error(Errc::bad_digest, "The " + std::string(spelling(integrity.stated).name) +
                                              " you specified did not match the calculated checksum.");
  }
  return Unit{};
}

}  // namespace

Task<std::string> read_plain_document(Request& request, std::size_t bytes_max) {
  const auto length = request.body->length_bytes();
  if (!length) co_return Errc::missing_content_length;
  if (*length > bytes_max) co_return Errc::max_message_length_exceeded;
  std::string document(static_cast<std::size_t>(*length), '\0');
  std::size_t filled = 0;
  while (true) {
    std::byte past_the_end{};  // A read at the end makes the session check what it has promised of the whole body.
    const MutableBytes rest = filled < document.size() ? std::as_writable_bytes(std::span(document)).subspan(filled)
                                                       : MutableBytes(&past_the_end, 1);
    CO_TRY_LET(const std::size_t count, co_await request.body->read(rest));
    if (count == 0) break;
    filled += count;
    if (filled > document.size()) co_return Errc::incomplete_body;
  }
  if (filled != document.size()) co_return Errc::incomplete_body;
  co_return document;
}

Task<std::string> read_document(Request& request, std::size_t bytes_max, bool digest_required) {
  CO_TRY_LET(const auto integrity, stated_integrity(request, ChecksumAlgorithm::none));
  if (digest_required && integrity.md5.empty() && integrity.stated == ChecksumAlgorithm::none) {
    co_return client_error(Errc::invalid_request,
                           "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  CO_TRY_LET(std::string document, co_await read_plain_document(request, bytes_max));
  HttpBodySource source(*request.body, document.size(), integrity.stated);
  CO_TRY(check_document(integrity, source, document));
  co_return document;
}

Result<std::string> HttpBodySource::trailing_checksum() {
  if (algorithm_ == metadata::ChecksumAlgorithm::none) return std::string();
  const std::string_view name = spelling(algorithm_).header;
  const std::string* value = body_.trailer(name);
  if (!value) {
    const auto& announced = body_.announced_trailers();
    const bool promised = std::find(announced.begin(), announced.end(), name) != announced.end();
    if (promised) return error(Errc::malformed_trailer, "announced checksum is missing");
    return std::string();
  }
  auto stated = parse_checksum_value(algorithm_, *value);
  if (!stated || stated->part_count != 0) {
    return client_error(Errc::invalid_request, "Value for " + std::string(name) + " trailing header is invalid.");
  }
  return std::move(stated->value);
}

Result<std::uint64_t> checked_length(const Request& request) {
  const auto length = request.body->length_bytes();
  if (!length) return Errc::missing_content_length;
  if (*length > objects::kPutBytesMax) return Errc::entity_too_large;
  return *length;
}

}  // namespace firn::gateway
