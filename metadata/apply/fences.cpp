#include "apply/fences.h"

#include <tuple>

#include "rows/bytes.h"
#include "rows/keys.h"
#include "rows/seal.h"
#include "rows/try.h"

namespace firn::metadata {

Result<Fences> Fences::load(const Reader& state) {
  Fences fences;
  const std::string prefix = keys::fences_prefix();
  const auto cursor = state.scan(Family::config, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    TRY_LET(const std::string_view payload, unseal(Family::config, cursor->key(), cursor->value()));
    ByteReader in(payload);
    Fence fence;
    fence.start = in.little<std::uint64_t>();
    fence.below = in.little<std::uint64_t>();
    std::uint64_t member = 0;
    if (!in.done() || !keys::parse_fence(cursor->key(), member)) {
      return corrupt_row(Family::config, cursor->key(), "payload");
    }
    fences.by_member_[member] = fence;
  }
  TRY(cursor->status());
  return fences;
}

bool Fences::refuses(const Origin& origin) const {
  const auto found = by_member_.find(origin.member);
  if (found == by_member_.end()) return false;
  return std::tie(origin.start, origin.sequence) < std::tie(found->second.start, found->second.below);
}

void Fences::raise(const Origin& origin, KeyValues& changes) {
  // One that comes late, or twice, lowers nothing.
  if (refuses(origin)) return;
  by_member_[origin.member] = {.start = origin.start, .below = origin.sequence};
  std::string payload;
  append_little(payload, origin.start);
  append_little(payload, origin.sequence);
  put_row(changes, Family::config, keys::fence(origin.member), payload);
}

}  // namespace firn::metadata
