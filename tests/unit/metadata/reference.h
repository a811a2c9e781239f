#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "command/command.h"

namespace firn::metadata {

/// The rules of apply told once more, as plainly as can be: nested maps, everything counted anew when asked. What the
/// random test compares apply with.
class Reference {
 public:
  struct Object_ {
    std::uint64_t index = 0;  ///< Log index of its order.
    std::uint64_t size_bytes = 0;
    std::string etag;
    std::vector<Slice> slices;
    NameValues tags;
  };
  struct Upload_ {
    std::string key;
    std::map<std::uint32_t, Object_> parts;
  };
  struct Bucket_ {
    BucketId id;
    std::map<std::string, Object_> objects;
    std::map<Uuid, Upload_> uploads;
  };
  using Refusal = std::optional<Errc>;

  /// Decides the entry at `index`: nothing when it succeeds.
  Refusal apply(std::uint64_t index, const Operation& operation);

  std::map<std::string, Bucket_> buckets;
  std::map<Uuid, std::pair<BucketId, std::string>> completed;
  std::map<LeaseId, Uuid> leases;
  std::map<ExtentId, SetId> freed;  ///< In the queue.
  std::map<ExtentId, std::uint32_t> missing;
  MapRecord map;
  std::map<std::pair<SetId, SetEpoch>, std::vector<Uuid>> history;
  std::vector<ExtentId> extents;  ///< Every one that was ever named.
  std::uint64_t next_lease = 1;
  std::uint64_t next_bucket = 1;
  std::vector<Refusal> deletions;  ///< Of the last delete_objects.

  bool held(const ExtentId& extent) const;
  bool needed(const ExtentId& extent) const;
  std::uint64_t below_full_redundancy() const;
  Bucket_* find(BucketId bucket);

 private:
  Refusal decide(const CreateBucket& create);
  Refusal decide(const DeleteBucket& remove);
  Refusal decide(const PutObject& put);
  Refusal decide(const DeleteObjects& remove);
  Refusal decide(const RenameObject& rename);
  Refusal decide(const PutTags& tags);
  Refusal decide(const CreateUpload& create);
  Refusal decide(const PutPart& put);
  Refusal decide(const CompleteUpload& complete);
  Refusal decide(const AbortUpload& abort);
  Refusal decide(const RegisterGateway& gateway);
  Refusal decide(const RotateLease& rotate);
  Refusal decide(const PutClusterMap& put);
  Refusal decide(const DropFreed& drop);
  Refusal decide(const MarkMissing& mark);
  Refusal decide(const MarkGood& mark);
  Refusal decide(const SweepBucket&) { return {}; }
  Refusal decide(const PutConfig&) { return {}; }

  Refusal take_body(const BodyRef& body, std::vector<Slice>& slices);
  Refusal admit(const NewExtent& extent, std::uint32_t& missing_shards) const;
  /// Frees every extent of `slices` that nothing holds any more.
  void settle(const std::vector<Slice>& slices);
  std::vector<const std::vector<Slice>*> all_slices() const;

  std::uint64_t index_ = 0;
};

Reference::Refusal refusal_of(const Conditions& conditions, const Reference::Object_* current);

}  // namespace firn::metadata
