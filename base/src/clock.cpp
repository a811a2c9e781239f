#include "firn/base/clock.h"

namespace firn {
namespace {

class SystemClock final : public Clock {
 public:
  UnixMs now_unix_ms() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  }
  std::chrono::steady_clock::time_point steady_now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

Clock& system_clock_source() {
  static SystemClock clock;
  return clock;
}

}  // namespace firn
