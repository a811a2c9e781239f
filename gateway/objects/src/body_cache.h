#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"

namespace firn::objects {

/// Whole bodies of small extents that are read again and again: manifests, table metadata, small data files. An extent
/// is immutable and its id is never used again, so what is found here is never stale; which extent an object has is
/// asked of the metadata tier each time.
///
/// Threads: all calls from anywhere. Memory: at most `bytes_max`, and a fixed table of 256 KiB.
class BodyCache {
 public:
  /// A longer extent is cheap to read for its size and would crowd out many that are not.
  static constexpr std::uint64_t kExtentBytesMax = 256 * 1024;

  explicit BodyCache(std::uint64_t bytes_max);

  /// The extent's bytes; nothing (no owner) when they are not here.
  SharedBytes find(const ExtentId& extent);
  /// Asked about an extent that was not found, once for each reading: whether to read it whole and put it here. From
  /// its second reading on, so that a scan of many files does not empty the cache.
  bool wants(const ExtentId& extent, std::uint64_t extent_bytes);
  void put(const ExtentId& extent, const SharedBytes& body);

 private:
  struct Entry {
    ExtentId extent;
    SharedBytes body;
  };
  /// Locked apart, so that io threads seldom meet.
  struct Part {
    std::mutex mutex;
    std::list<Entry> newest_first;                                    // GUARDED_BY(mutex)
    std::unordered_map<ExtentId, std::list<Entry>::iterator> places;  // GUARDED_BY(mutex)
    std::uint64_t bytes = 0;                                          // GUARDED_BY(mutex)
  };
  static constexpr std::size_t kParts = 16;
  static constexpr std::size_t kReadOnceCount = 64 * 1024;

  Part& part_of(std::size_t hash) { return parts_[hash % kParts]; }

  const std::uint64_t part_bytes_max_;
  std::array<Part, kParts> parts_;
  /// A mark of the extent last read in each place; races and collisions cost one reading more or less.
  std::vector<std::atomic<std::uint32_t>> read_once_;
};

}  // namespace firn::objects
