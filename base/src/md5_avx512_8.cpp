#define FIRN_MD5_LANES 8
#define FIRN_MD5_ZIP_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define FIRN_MD5_ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#include "src/md5_kernel_body.h"

namespace firn {

const Md5Kernel kMd5Avx512Eight = {kLanes, 5, blocks};

}  // namespace firn
