#include "firn/objects/checksum.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "firn/base/checksum.h"

namespace firn::objects {

namespace {

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string raw(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) raw[bytes - 1 - i] = static_cast<char>(value >> (8 * i));
  return raw;
}

}  // namespace

RunningChecksum::RunningChecksum(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
  if (algorithm == ChecksumAlgorithm::sha1) hasher_.emplace(HashAlgorithm::sha1);
  if (algorithm == ChecksumAlgorithm::sha256) hasher_.emplace(HashAlgorithm::sha256);
}

void RunningChecksum::update(ByteView bytes) {
  switch (algorithm_) {
    case ChecksumAlgorithm::none:
      return;
    case ChecksumAlgorithm::crc32:
      crc_ = crc32(static_cast<std::uint32_t>(crc_), bytes);
      return;
    case ChecksumAlgorithm::crc32c:
      crc_ = crc32c(static_cast<std::uint32_t>(crc_), bytes);
      return;
    case ChecksumAlgorithm::crc64nvme:
      crc_ = crc64nvme(crc_, bytes);
      return;
    case ChecksumAlgorithm::sha1:
    case ChecksumAlgorithm::sha256:
      hasher_->update(bytes);
      return;
  }
}

std::string RunningChecksum::finish() {
  if (hasher_) return hasher_->finish();
  return big_endian(crc_, metadata::checksum_bytes(algorithm_));
}

void BodyHasher::update(ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView block = bytes.first(std::min(bytes.size(), kBlockBytes));
    md5_.update(block);
    checksum_.update(block);
    bytes = bytes.subspan(block.size());
  }
}

void update_side_by_side(std::span<BodyUpdate> updates) {
  std::vector<Md5Update> lanes;
  for (bool more = true; std::exchange(more, false);) {
    lanes.clear();
    for (const BodyUpdate& update : updates) {
      const ByteView block = update.bytes.first(std::min(update.bytes.size(), BodyHasher::kBlockBytes));
      if (!block.empty()) lanes.push_back({&update.hasher->md5_, block, update.sink->alongside()});
    }
    update_side_by_side(lanes);
    for (BodyUpdate& update : updates) {
      const ByteView block = update.bytes.first(std::min(update.bytes.size(), BodyHasher::kBlockBytes));
      if (block.empty()) continue;
      update.hasher->checksum_.update(block);
      update.sink->take(block);
      update.bytes = update.bytes.subspan(block.size());
      more = more || !update.bytes.empty();
    }
  }
}

}  // namespace firn::objects
