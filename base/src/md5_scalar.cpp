#define FIRN_MD5_LANES 1
#include "src/md5_kernel_body.h"

namespace firn {

const Md5Kernel kMd5Scalar = {kLanes, 1, blocks};

}  // namespace firn
