#include <algorithm>
#include <map>

#include "apply/context.h"
#include "apply/extents.h"
#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "rows/bytes.h"
#include "rows/record.h"

namespace firn::metadata {
namespace {

constexpr std::uint64_t kPartBytesMin = 5ULL << 20;  // AWS's limits.
constexpr std::uint64_t kObjectBytesMax = 5ULL << 40;
/// Long enough for a client that lost the answer to ask again; few enough to stay below 50 MB.
constexpr std::uint64_t kCompletedMax = 100'000;
constexpr UnixMs kCompletedAgeMaxMs = 7LL * 24 * 3600 * 1000;
/// More than one, so that a backlog shrinks; few, so that no complete pays for another's.
constexpr int kForgottenPerComplete = 4;

using Parts = std::map<std::uint32_t, StoredPart>;

Result<Parts> load_parts(const Context& context, const Uuid& upload) {
  Parts parts;
  const std::string prefix = keys::parts_prefix(upload);
  const auto cursor = context.state.scan(Family::uploads, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    std::uint32_t number = 0;
    if (!keys::parse_part(cursor->key(), number)) return corrupt_row(Family::uploads, cursor->key(), "key");
    TRY_LET(StoredPart part, decode_part(cursor->key(), number, cursor->value()));
    parts.emplace(number, std::move(part));
  }
  TRY(cursor->status());
  return parts;
}

Result<std::vector<const StoredPart*>> named_parts(const CompleteUpload& complete, const Parts& parts) {
  if (complete.parts.empty()) return error(Errc::invalid_argument, "no parts");
  const auto by_number = [](const CompletedPart& a, const CompletedPart& b) { return a.number >= b.number; };
  if (std::ranges::adjacent_find(complete.parts, by_number) != complete.parts.end()) return Errc::invalid_part_order;
  std::vector<const StoredPart*> named;
  named.reserve(complete.parts.size());
  for (const CompletedPart& wanted : complete.parts) {
    const auto found = parts.find(wanted.number);
    if (found == parts.end() || found->second.part.etag != wanted.etag ||
        (!wanted.checksum.empty() && wanted.checksum != found->second.part.checksum.value)) {
      return error(Errc::invalid_part, "part " + std::to_string(wanted.number));
    }
    named.push_back(&found->second);
  }
  return named;
}

std::string etag_of(const std::vector<const StoredPart*>& parts) {
  Hasher hasher(HashAlgorithm::md5);
  for (const StoredPart* stored : parts) {
    std::string raw;
    FIRN_ASSERT(from_hex(stored->part.etag, raw));
    hasher.update(as_bytes(raw));
  }
  return to_hex(hasher.finish()) + "-" + std::to_string(parts.size());
}

/// The CRC of all parts together from theirs, big endian.
template <class Crc>
std::string combined(const std::vector<const StoredPart*>& parts, Crc (*combine)(Crc, Crc, std::uint64_t)) {
  Crc crc = 0;
  for (const StoredPart* stored : parts) {
    ByteReader in(stored->part.checksum.value);
    crc = combine(crc, in.big<Crc>(), stored->part.size_bytes);
  }
  std::string raw;
  append_big(raw, crc);
  return raw;
}

std::string composite(const std::vector<const StoredPart*>& parts, ChecksumAlgorithm algorithm) {
  std::string raws;
  for (const StoredPart* stored : parts) raws += stored->part.checksum.value;
  std::string raw;
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
      append_big(raw, crc32(0, as_bytes(raws)));
      break;
    case ChecksumAlgorithm::crc32c:
      append_big(raw, crc32c(0, as_bytes(raws)));
      break;
    case ChecksumAlgorithm::crc64nvme:
      append_big(raw, crc64nvme(0, as_bytes(raws)));
      break;
    case ChecksumAlgorithm::sha256:
      return sha256(as_bytes(raws));
    case ChecksumAlgorithm::sha1: {
      Hasher hasher(HashAlgorithm::sha1);
      hasher.update(as_bytes(raws));
      return hasher.finish();
    }
    case ChecksumAlgorithm::none:
      break;
  }
  return raw;
}

/// The object's checksum from its parts'; none unless every part has one of the upload's algorithm.
Checksum checksum_of(const Upload& upload, const std::vector<const StoredPart*>& parts) {
  const std::size_t raw_bytes = checksum_bytes(upload.checksum_algorithm);
  const auto fits = [&](const StoredPart* stored) {
    return stored->part.checksum.algorithm == upload.checksum_algorithm &&
           stored->part.checksum.value.size() == raw_bytes;
  };
  if (raw_bytes == 0 || !std::ranges::all_of(parts, fits)) return {};
  Checksum checksum{.algorithm = upload.checksum_algorithm, .type = upload.checksum_type};
  if (upload.checksum_type == ChecksumType::composite) {
    checksum.value = composite(parts, upload.checksum_algorithm);
    return checksum;
  }
  switch (upload.checksum_algorithm) {
    case ChecksumAlgorithm::crc32:
      checksum.value = combined(parts, crc32_combine);
      break;
    case ChecksumAlgorithm::crc32c:
      checksum.value = combined(parts, crc32c_combine);
      break;
    case ChecksumAlgorithm::crc64nvme:
      checksum.value = combined(parts, crc64nvme_combine);
      break;
    default:
      return {};  // The hash functions can't be combined.
  }
  return checksum;
}

Result<Object> assemble(const Context& context, const CompleteUpload& complete, const Upload& upload,
                        const std::vector<const StoredPart*>& parts) {
  Object object{.order = context.order, .modified_ms = context.now_ms, .attributes = upload.attributes};
  for (const StoredPart* stored : parts) {
    const Part& part = stored->part;
    if (part.size_bytes < kPartBytesMin && stored != parts.back()) {
      return error(Errc::entity_too_small, "part " + std::to_string(part.number));
    }
    object.size_bytes += part.size_bytes;
    object.slices.insert(object.slices.end(), part.slices.begin(), part.slices.end());
    object.parts.push_back({.number = part.number, .size_bytes = part.size_bytes, .checksum = part.checksum.value});
  }
  if (object.size_bytes > kObjectBytesMax) return Errc::entity_too_large;
  if (complete.expected_size && *complete.expected_size != object.size_bytes) {
    return client_error(Errc::invalid_request, "The object's size is not the one given in x-amz-mp-object-size.");
  }
  object.etag = etag_of(parts);
  object.checksum = checksum_of(upload, parts);
  if (!complete.expected_checksum.empty() && complete.expected_checksum != object.checksum.value) {
    return Errc::bad_digest;
  }
  if (object.checksum.algorithm == ChecksumAlgorithm::none) {
    for (PartInfo& part : object.parts) part.checksum.clear();
  }
  return object;
}

/// Keeps the outcome for replays, and forgets the oldest beyond count or age.
Result<> remember(Context& context, const Uuid& upload, const CompletedRow& row) {
  Progress& progress = context.progress;
  store(context.state, Family::uploads, keys::completed(upload), row);
  store(context.state, Family::uploads, keys::completed_by_age(context.order.log_index), upload);
  if (progress.completed++ == 0) progress.oldest_completed = context.order.log_index;

  const auto cursor = context.state.scan(Family::uploads, keys::completed_by_age(progress.oldest_completed),
                                         end_of_prefix(keys::completed_by_age_prefix()));
  for (int forgotten = 0; forgotten < kForgottenPerComplete && cursor->valid(); ++forgotten, cursor->next()) {
    TRY_LET(const Uuid old, unseal_row<Uuid>(Family::uploads, cursor->key(), cursor->value()));
    TRY_LET(const auto outcome, load<CompletedRow>(context.state, Family::uploads, keys::completed(old)));
    ByteReader in(cursor->key().substr(1));
    progress.oldest_completed = in.big<std::uint64_t>();
    const bool expired = outcome && outcome->completed.committed.modified_ms < context.now_ms - kCompletedAgeMaxMs;
    if (progress.completed <= kCompletedMax && !expired) break;
    context.state.erase(Family::uploads, keys::completed(old));
    context.state.erase(Family::uploads, std::string(cursor->key()));
    --progress.completed;
  }
  return cursor->status();
}

/// What a complete of an upload that is no more answers: the same again when it was completed.
Answer replay(const Context& context, const CompleteUpload& complete) {
  TRY_LET(const auto row, load<CompletedRow>(context.state, Family::uploads, keys::completed(complete.upload)));
  if (!row || row->bucket != complete.bucket || row->key != complete.key) return error(Errc::no_such_upload);
  return AnswerValue(row->completed);
}

}  // namespace

Answer apply(Context& context, CompleteUpload&& complete) {
  TRY(expect_bucket(context, complete.bucket));
  Result<Upload> upload = load_upload(context, complete.bucket, complete.key, complete.upload);
  if (upload.code() == Errc::no_such_upload) return replay(context, complete);
  if (!upload) return upload.error();
  TRY_LET(const Parts parts, load_parts(context, complete.upload));
  TRY_LET(const std::vector<const StoredPart*> named, named_parts(complete, parts));
  TRY_LET(const std::optional<Object> current, load_object(context, complete.bucket, complete.key));
  TRY_LET(const Object object, assemble(context, complete, *upload, named));
  TRY(check_conditions(complete.conditions, current ? &*current : nullptr));

  // The object holds the extents before the parts let go of them.
  TRY(put_current(context, complete.bucket, complete.key, object, current));
  TRY(drop_upload(context, complete.bucket, *upload, static_cast<std::uint32_t>(parts.size()) + 1));
  CompletedRow row{.bucket = complete.bucket,
                   .key = complete.key,
                   .completed = {.committed = {object.order, object.modified_ms, object.etag},
                                 .checksum = object.checksum,
                                 .size_bytes = object.size_bytes}};
  TRY(remember(context, complete.upload, row));
  return AnswerValue(std::move(row.completed));
}

}  // namespace firn::metadata
