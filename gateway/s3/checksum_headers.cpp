#include "s3/checksum_headers.h"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "firn/base/digest.h"
#include "firn/objects/names.h"
#include "s3/ranges.h"

namespace firn::gateway {

namespace {

constexpr auto kSpellings = std::to_array<ChecksumSpelling>({
    {ChecksumAlgorithm::crc32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32"},
    {ChecksumAlgorithm::crc32c, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C"},
    {ChecksumAlgorithm::crc64nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"},
    {ChecksumAlgorithm::sha1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1"},
    {ChecksumAlgorithm::sha256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256"},
});

constexpr std::string_view kSdkAlgorithm = "x-amz-sdk-checksum-algorithm";

Error several_checksums() {
  return client_error(Errc::invalid_request,
                      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
}

Result<StatedChecksum> from_headers(const Request& request) {
  const ChecksumSpelling* found = nullptr;
  for (const ChecksumSpelling& candidate : kSpellings) {
    if (!request.has_header(candidate.header)) continue;
    if (found) return several_checksums();
    found = &candidate;
  }
  if (!found) return StatedChecksum{};
  return parse_checksum_value(found->algorithm, request.header(found->header));
}

Result<ChecksumAlgorithm> from_trailers(const Request& request) {
  ChecksumAlgorithm found = ChecksumAlgorithm::none;
  if (!request.body) return found;
  for (const std::string& name : request.body->announced_trailers()) {
    const auto known =
        std::find_if(kSpellings.begin(), kSpellings.end(), [&](const auto& s) { return s.header == name; });
    if (known == kSpellings.end()) continue;
    if (found != ChecksumAlgorithm::none) return several_checksums();
    found = known->algorithm;
  }
  return found;
}

}  // namespace

const ChecksumSpelling& spelling(ChecksumAlgorithm algorithm) {
  FIRN_ASSERT(algorithm != ChecksumAlgorithm::none);
  return kSpellings[static_cast<std::size_t>(algorithm) - 1];
}

std::string_view spelling(ChecksumType type) { return type == ChecksumType::composite ? "COMPOSITE" : "FULL_OBJECT"; }

Result<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) {
  for (const ChecksumSpelling& candidate : kSpellings) {
    if (boost::algorithm::iequals(name, candidate.name)) return candidate.algorithm;
  }
  return client_error(
      Errc::invalid_request,
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, "
      "CRC32C, CRC64NVME, SHA1, SHA256]");
}

Result<ChecksumType> parse_checksum_type(std::string_view name) {
  if (boost::algorithm::iequals(name, spelling(ChecksumType::full_object))) return ChecksumType::full_object;
  if (boost::algorithm::iequals(name, spelling(ChecksumType::composite))) return ChecksumType::composite;
  return client_error(Errc::invalid_request, "Value for x-amz-checksum-type header is invalid.");
}

Result<StatedChecksum> parse_checksum_value(ChecksumAlgorithm algorithm, std::string_view text) {
  const auto& spelled = spelling(algorithm);
  const auto invalid = [&] {
    return client_error(Errc::invalid_request, "Value for " + std::string(spelled.header) + " header is invalid.");
  };
  StatedChecksum stated{.algorithm = algorithm};
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto count = parse_decimal(text.substr(dash + 1));
    if (!count || *count == 0 || *count > objects::kPartNumberMax) return invalid();
    stated.part_count = static_cast<std::uint32_t>(*count);
    text = text.substr(0, dash);
  }
  if (!from_base64(text, stated.value) || stated.value.size() != metadata::checksum_bytes(algorithm)) return invalid();
  return stated;
}

Result<StatedChecksum> stated_checksum(const Request& request) {
  auto stated = from_headers(request);
  if (!stated) return stated;
  auto trailing = from_trailers(request);
  if (!trailing) return std::move(trailing).error();
  if (*trailing != ChecksumAlgorithm::none) {
    if (stated->algorithm != ChecksumAlgorithm::none) return several_checksums();
    stated->algorithm = *trailing;
  }
  if (const std::string_view named = request.header(kSdkAlgorithm); !named.empty()) {
    auto algorithm = parse_checksum_algorithm(named);
    if (!algorithm) return std::move(algorithm).error();
    if (stated->algorithm == ChecksumAlgorithm::none) {
      return client_error(
          Errc::invalid_request,
          "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
          "headers were found.");
    }
    if (*algorithm != stated->algorithm) {
      return client_error(Errc::invalid_request, "Value for x-amz-sdk-checksum-algorithm header is invalid.");
    }
  }
  return stated;
}

Result<std::string> stated_md5(const Request& request) {
  constexpr std::size_t kMd5Bytes = 16;
  std::string raw;
  if (!request.has_header("Content-MD5")) return raw;
  if (!from_base64(request.header("Content-MD5"), raw) || raw.size() != kMd5Bytes) return Errc::invalid_digest;
  return raw;
}

Result<objects::Integrity> stated_integrity(const Request& request, ChecksumAlgorithm fallback) {
  auto md5 = stated_md5(request);
  if (!md5) return std::move(md5).error();
  auto stated = stated_checksum(request);
  if (!stated) return std::move(stated).error();
  if (stated->part_count != 0) {
    return client_error(Errc::invalid_request,
                        "Value for " + std::string(spelling(stated->algorithm).header) + " header is invalid.");
  }
  const bool named = stated->algorithm != ChecksumAlgorithm::none;
  return objects::Integrity{.kept = named ? stated->algorithm : fallback,
                            .stated = stated->algorithm,
                            .md5 = *std::move(md5),
                            .checksum = std::move(stated->value)};
}

std::string checksum_text(const metadata::Checksum& checksum, std::size_t part_count) {
  std::string text = to_base64(checksum.value);
  if (checksum.type == ChecksumType::composite) text += '-' + std::to_string(part_count);
  return text;
}

void add_checksum_headers(Reply& reply, const metadata::Checksum& checksum, std::size_t part_count) {
  if (checksum.algorithm == ChecksumAlgorithm::none || checksum.value.empty()) return;
  reply.add(std::string(spelling(checksum.algorithm).header), checksum_text(checksum, part_count));
  reply.add("x-amz-checksum-type", std::string(spelling(checksum.type)));
}

void write_checksum(XmlWriter& xml, const metadata::Checksum& checksum, std::size_t part_count, bool with_type) {
  if (checksum.algorithm == ChecksumAlgorithm::none || checksum.value.empty()) return;
  xml.plain(spelling(checksum.algorithm).element, checksum_text(checksum, part_count));
  if (with_type) xml.plain("ChecksumType", spelling(checksum.type));
}

}  // namespace firn::gateway
