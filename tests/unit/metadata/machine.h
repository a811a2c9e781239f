#pragma once

#include <string>
#include <utility>

#include "apply/applier.h"
#include "map_state.h"
#include "query/check.h"
#include "query/query.h"

namespace firn::metadata {

/// Apply over an ordered map, one command after another, with a clock set by hand.
class Machine {
 public:
  Machine() : applier_(Applier::open(state).value()) {}

  /// What the command answers its proposer.
  Answer apply(Operation operation);
  template <class T>
  Result<T> apply_for(Operation operation) {
    Answer answer = apply(std::move(operation));
    if (!answer) return std::move(answer).error();
    return std::get<T>(std::move(*answer));
  }

  BucketId make_bucket(const std::string& name) { return apply_for<Bucket>(CreateBucket{name, ""}).value().id; }
  /// What may have come after this is lost: as the entry of a forced membership says it.
  Result<Outcome> leap(UnixMs now);
  /// The first problem that a check of the whole state finds, or nothing.
  std::string problem() const;
  const Progress& progress() const { return applier_.progress(); }

  MapState state;
  UnixMs now_ms = 1'700'000'000'000;
  std::uint32_t shard_epoch = 1;

 private:
  Applier applier_;
};

/// 32 hexadecimal digits made of a number.
std::string etag(std::uint64_t number);
/// The id of a gateway, made of a number.
Uuid gateway(std::uint8_t number);
/// A map of six drives and one set 4+2 with this epoch.
MapRecord six_drives(std::uint64_t version, std::uint32_t epoch);
/// A body of one new extent of set 1.
BodyRef extent_body(ExtentId id, std::uint64_t bytes, std::uint32_t epoch = 1, std::uint32_t missing = 0);
PutObject put_inline(BucketId bucket, std::string key, std::string body);
PutObject put_extent(BucketId bucket, std::string key, ExtentId id, std::uint64_t bytes);

}  // namespace firn::metadata
