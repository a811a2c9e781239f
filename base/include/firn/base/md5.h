#pragma once

#include <memory>
#include <span>
#include <string>

#include "firn/base/buffer.h"

namespace firn {

/// Running MD5 that can take its bytes side by side with others of its kind. Not thread-safe.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  void update(ByteView bytes);
  std::string finish();  ///< 16 raw bytes. Once.

 private:
  friend class Md5Lanes;
  struct State;
  std::unique_ptr<State> state_;
};

/// Memory that is worth having in the core's cache soon, in runs as long as the bytes that are hashed meanwhile.
using Alongside = std::span<const std::byte* const>;

struct Md5Update {
  Md5* digest = nullptr;
  ByteView bytes;
  Alongside alongside;
};

/// Gives each digest its bytes. One body takes 1.6 s of a core per GB; up to 16 together take a fraction of that each,
/// in the lanes of the widest vector unit there is (chosen once at start). Best with runs of like length. Each digest
/// at most once. A body alone, whose blocks wait for each other, leaves the memory idle: `alongside` is fetched then.
void update_side_by_side(std::span<Md5Update> updates);

}  // namespace firn
