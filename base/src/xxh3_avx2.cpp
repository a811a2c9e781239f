#define XXH_VECTOR XXH_AVX2
#include "src/xxh3_kernel_body.h"

namespace firn {

const Xxh3Kernel kXxh3Avx2 = {hash, reset, update, digest};

}  // namespace firn
