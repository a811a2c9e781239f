#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "firn/base/result.h"
#include "firn/metadata/model.h"
#include "firn/objects/store.h"
#include "s3/request.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

using metadata::ChecksumAlgorithm;
using metadata::ChecksumType;

/// How S3 spells one checksum algorithm in each place.
struct ChecksumSpelling {
  ChecksumAlgorithm algorithm;
  std::string_view name;     ///< "CRC32"
  std::string_view header;   ///< "x-amz-checksum-crc32"
  std::string_view element;  ///< "ChecksumCRC32"
};
/// For all but none.
const ChecksumSpelling& spelling(ChecksumAlgorithm algorithm);
std::string_view spelling(ChecksumType type);

/// "CRC32" in any case. Errc::invalid_request for an algorithm S3 does not know.
Result<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name);
/// "FULL_OBJECT" or "COMPOSITE". Errc::invalid_request otherwise.
Result<ChecksumType> parse_checksum_type(std::string_view name);

/// The checksum a write came with, if any.
struct StatedChecksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
  std::string value;             ///< Raw; empty if it comes in the trailer.
  std::uint32_t part_count = 0;  ///< N of "value-N": a composite one.
};
/// From x-amz-checksum-*, the announced trailers and x-amz-sdk-checksum-algorithm, which must agree.
/// Errc::invalid_request.
Result<StatedChecksum> stated_checksum(const Request& request);
/// Base64 to raw, "-N" taken off. Errc::invalid_request when it isn't a value of that algorithm.
Result<StatedChecksum> parse_checksum_value(ChecksumAlgorithm algorithm, std::string_view text);

/// Raw Content-MD5, empty if there is none. Errc::invalid_digest.
Result<std::string> stated_md5(const Request& request);

/// What a body must turn out to be; `fallback` is kept when the client names no algorithm.
Result<objects::Integrity> stated_integrity(const Request& request, ChecksumAlgorithm fallback);

/// base64, and "-N" for a composite checksum of N parts.
std::string checksum_text(const metadata::Checksum& checksum, std::size_t part_count);
/// x-amz-checksum-… and x-amz-checksum-type; nothing for an object without a checksum.
void add_checksum_headers(Reply& reply, const metadata::Checksum& checksum, std::size_t part_count);
/// ChecksumCRC32 … of an answer document; with ChecksumType if `with_type`.
void write_checksum(XmlWriter& xml, const metadata::Checksum& checksum, std::size_t part_count, bool with_type);

}  // namespace firn::gateway
