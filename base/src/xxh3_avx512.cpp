#define XXH_VECTOR XXH_AVX512
#include "src/xxh3_kernel_body.h"

namespace firn {

const Xxh3Kernel kXxh3Avx512 = {hash, reset, update, digest};

}  // namespace firn
