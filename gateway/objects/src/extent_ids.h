#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "firn/base/result.h"
#include "firn/metadata/client.h"

namespace firn::objects {

/// Names new extents: the process's write lease and a counter under it.
///
/// A lease keeps what was written under it from being collected as orphans, so it is given up from time to time: after
/// `extents_per_lease` names the next one is asked for. The old one is reported closed once nothing named by it is
/// still being written, at the rotation after that.
///
/// Threads: all calls from any io thread; a mutex is held for a few instructions, never across an await.
class ExtentIds {
 public:
  ExtentIds(metadata::Client& metadata, Uuid gateway, std::uint64_t extents_per_lease);

  Task<> start();
  void stop();
  LeaseId current() const;
  /// The lowest lease of this process under which something may still be written.
  LeaseId first_open() const;

  /// Leases with extents still being written after their rotation. One slow upload holds one; past this many, rotation
  /// waits and the current lease serves on.
  static constexpr std::size_t kDrainingMax = 8;
  /// Uploads that broke off before their lease is given up. Each may have left up to 5 GiB behind.
  static constexpr std::uint64_t kAbandonedMax = 16;

 private:
  struct Lease {
    LeaseId id;
    std::uint64_t next_counter = 1;
    std::uint64_t under_way = 0;
    std::uint64_t abandoned = 0;  ///< Extents whose commit failed or never came: orphans to be collected.
  };

 public:
  /// The right to write one extent. Kept until its metadata commit has returned (or was given up).
  class Ticket {
   public:
    Ticket(ExtentIds& ids, Lease& lease, std::uint64_t counter);
    Ticket(Ticket&& other) noexcept
        : ids_(std::exchange(other.ids_, nullptr)),
          lease_(other.lease_),
          extent_(other.extent_),
          committed_(other.committed_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();
    ExtentId extent() const { return extent_; }
    /// The extent has its holder. A ticket destroyed before this leaves an abandoned extent.
    void committed() { committed_ = true; }

   private:
    ExtentIds* ids_;
    Lease* lease_;
    ExtentId extent_;
    bool committed_ = false;
  };
  /// The next name. Errc::cancelled once stopped.
  Task<Ticket> take();

 private:
  Task<> rotate();
  bool rotation_due() const;
  bool begin_rotation(LeaseId& closing);

  metadata::Client& metadata_;
  const Uuid gateway_;
  const std::uint64_t extents_per_lease_;
  mutable std::mutex mutex_;                      // Any io thread takes names.
  std::unique_ptr<Lease> current_;                // GUARDED_BY(mutex_)
  std::vector<std::unique_ptr<Lease>> draining_;  // GUARDED_BY(mutex_)
  std::uint64_t retry_at_ = 0;                    // GUARDED_BY(mutex_): no rotation before this name.
  bool rotating_ = false;                         // GUARDED_BY(mutex_)
  bool stopped_ = false;                          // GUARDED_BY(mutex_)
};

}  // namespace firn::objects
