#define XXH_VECTOR XXH_SSE2
#include "src/xxh3_kernel_body.h"

namespace firn {

const Xxh3Kernel kXxh3Sse2 = {hash, reset, update, digest};

}  // namespace firn
