#define FIRN_MD5_LANES 4
#define FIRN_MD5_ZIP_LOW 0, 4, 1, 5
#define FIRN_MD5_ZIP_HIGH 2, 6, 3, 7
#include "src/md5_kernel_body.h"

namespace firn {

const Md5Kernel kMd5Avx512Four = {kLanes, 2, blocks};

}  // namespace firn
