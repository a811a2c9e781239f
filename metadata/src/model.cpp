#include "firn/metadata/model.h"

namespace firn::metadata {

std::size_t checksum_bytes(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::none:
      return 0;
    case ChecksumAlgorithm::crc32:
    case ChecksumAlgorithm::crc32c:
      return 4;
    case ChecksumAlgorithm::crc64nvme:
      return 8;
    case ChecksumAlgorithm::sha1:
      return 20;
    case ChecksumAlgorithm::sha256:
      return 32;
  }
  return 0;
}

}  // namespace firn::metadata
