#include <algorithm>
#include <cstring>

#include "fake_metadata.h"
#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "firn/objects/checksum.h"

namespace firn::test {

using namespace metadata;

namespace {

constexpr std::uint64_t kPartBytesMin = 5 << 20;

/// Hashes of hashes, or CRCs put together by hashing the parts' CRCs: only the composite form is needed to tell a right
/// checksum from a wrong one; full-object ones are combined as S3 does.
Checksum object_checksum(const Upload& upload, const std::vector<const Part*>& parts) {
  Checksum checksum{.algorithm = upload.checksum_algorithm, .type = upload.checksum_type};
  for (const Part* part : parts) {
    if (part->checksum.algorithm != upload.checksum_algorithm || part->checksum.value.empty()) return {};
  }
  if (upload.checksum_type == ChecksumType::composite) {
    objects::RunningChecksum running(upload.checksum_algorithm);
    for (const Part* part : parts) running.update(as_bytes(part->checksum.value));
    checksum.value = running.finish();
    return checksum;
  }
  std::uint64_t crc = 0;
  const std::size_t bytes = checksum_bytes(upload.checksum_algorithm);
  for (const Part* part : parts) {
    std::uint64_t next = 0;
    for (const char c : part->checksum.value) next = next << 8 | static_cast<unsigned char>(c);
    const auto narrow = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
    if (upload.checksum_algorithm == ChecksumAlgorithm::crc64nvme) crc = crc64nvme_combine(crc, next, part->size_bytes);
    if (upload.checksum_algorithm == ChecksumAlgorithm::crc32)
      crc = crc32_combine(narrow(crc), narrow(next), part->size_bytes);
    if (upload.checksum_algorithm == ChecksumAlgorithm::crc32c)
      crc = crc32c_combine(narrow(crc), narrow(next), part->size_bytes);
  }
  for (std::size_t i = bytes; i-- > 0;) checksum.value += static_cast<char>(crc >> (8 * i));
  return checksum;
}

}  // namespace

Result<FakeMetadata::StoredUpload*> FakeMetadata::find_stored(BucketId bucket, const std::string& key,
                                                              const Uuid& upload) {
  auto& uploads = uploads_[bucket][key];
  const auto found = uploads.find(upload);
  if (found == uploads.end()) return Errc::no_such_upload;
  return &found->second;
}

Task<Upload> FakeMetadata::create_upload(BucketId bucket, Upload upload) {
  wrote();
  const std::uint64_t id = ++last_id_;
  std::memcpy(upload.id.bytes.data(), &id, sizeof id);
  upload.initiated_ms = now_ms;
  uploads_[bucket][upload.key][upload.id] = {.upload = upload};
  co_return upload;
}

Task<Upload> FakeMetadata::find_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  CO_TRY_LET(const StoredUpload* stored, find_stored(bucket, std::string(key), upload));
  co_return stored->upload;
}

Task<Part> FakeMetadata::put_part(PutPart put) {
  wrote();
  if (write_failure) co_return *std::exchange(write_failure, std::nullopt);
  CO_TRY_LET(StoredUpload * stored, find_stored(put.bucket, put.key, put.upload));
  CO_TRY_LET(put.part.slices, take_body(put.body));
  put.part.modified_ms = now_ms;
  stored->parts[put.part.number] = put.part;
  co_return put.part;
}

Task<PartPage> FakeMetadata::list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                        std::uint32_t part_number_marker, std::uint32_t max_parts) {
  CO_TRY_LET(const StoredUpload* stored, find_stored(bucket, std::string(key), upload));
  PartPage page{.upload = stored->upload};
  for (const auto& [number, part] : stored->parts) {
    if (number <= part_number_marker) continue;
    if (page.parts.size() == max_parts) {
      page.truncated = true;
      break;
    }
    page.parts.push_back(part);
    page.next_part_number_marker = number;
  }
  co_return page;
}

Task<Completed> FakeMetadata::complete_upload(CompleteUpload complete) {
  wrote();
  auto found = find_stored(complete.bucket, complete.key, complete.upload);
  if (!found) {
    const auto before = completed_.find(complete.upload);
    if (before == completed_.end()) co_return Errc::no_such_upload;
    co_return before->second;
  }
  const StoredUpload& stored = **found;
  Object object{.attributes = stored.upload.attributes};
  std::vector<const Part*> parts;
  std::string digests;
  for (const CompletedPart& wanted : complete.parts) {
    const auto part = stored.parts.find(wanted.number);
    const bool fits = part != stored.parts.end() && part->second.etag == wanted.etag &&
                      (wanted.checksum.empty() || wanted.checksum == part->second.checksum.value);
    if (!fits) co_return Errc::invalid_part;
    if (!parts.empty() && parts.back()->size_bytes < kPartBytesMin) co_return Errc::entity_too_small;
    parts.push_back(&part->second);
    std::string raw;
    FIRN_ASSERT(from_hex(wanted.etag, raw));
    digests += raw;
    object.size_bytes += part->second.size_bytes;
    object.slices.insert(object.slices.end(), part->second.slices.begin(), part->second.slices.end());
    object.parts.push_back(
        {.number = wanted.number, .size_bytes = part->second.size_bytes, .checksum = part->second.checksum.value});
  }
  object.etag = to_hex(md5(as_bytes(digests))) + '-' + std::to_string(parts.size());
  object.checksum = object_checksum(stored.upload, parts);
  if (complete.expected_size && *complete.expected_size != object.size_bytes) co_return Errc::invalid_request;
  if (!complete.expected_checksum.empty() && complete.expected_checksum != object.checksum.value) {
    co_return Errc::bad_digest;
  }
  const Object* current = find_current(complete.bucket, complete.key);
  const auto& conditions = complete.conditions;
  if (!conditions.if_match.empty()) {
    if (!current) co_return Errc::no_such_key;
    if (conditions.if_match != "*" && conditions.if_match != current->etag) co_return Errc::precondition_failed;
  }
  if (conditions.if_none_match == "*" && current) co_return Errc::precondition_failed;
  Completed completed{.checksum = object.checksum, .size_bytes = object.size_bytes};
  CO_TRY_LET(completed.committed, install(complete.bucket, complete.key, std::move(object)));
  completed_[complete.upload] = completed;
  uploads_[complete.bucket][complete.key].erase(complete.upload);
  co_return completed;
}

Task<> FakeMetadata::abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  wrote();
  CO_TRY(find_stored(bucket, std::string(key), upload));
  uploads_[bucket][std::string(key)].erase(upload);
  co_return Unit{};
}

Task<UploadPage> FakeMetadata::list_uploads(UploadQuery query) {
  UploadPage page;
  for (const auto& [key, uploads] : uploads_[query.bucket]) {
    if (!key.starts_with(query.prefix) || key < query.key_marker) continue;
    const auto cut = query.delimiter.empty() ? std::string::npos : key.find(query.delimiter, query.prefix.size());
    for (const auto& [id, stored] : uploads) {
      if (key == query.key_marker && (!query.upload_id_marker || id <= *query.upload_id_marker)) continue;
      const std::string shown = cut == std::string::npos ? key : key.substr(0, cut + query.delimiter.size());
      if (cut != std::string::npos && !page.common_prefixes.empty() && page.common_prefixes.back() == shown) continue;
      if (page.uploads.size() + page.common_prefixes.size() == query.max_uploads) {
        page.truncated = true;
        co_return page;
      }
      page.next_key_marker = shown;
      page.next_upload_id_marker.reset();
      if (cut != std::string::npos) {
        page.common_prefixes.push_back(shown);
        continue;
      }
      page.next_upload_id_marker = id;
      page.uploads.push_back(stored.upload);
    }
  }
  co_return page;
}

}  // namespace firn::test
