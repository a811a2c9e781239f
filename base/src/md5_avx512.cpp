#define FIRN_MD5_LANES 16
#define FIRN_MD5_ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define FIRN_MD5_ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include "src/md5_kernel_body.h"

namespace firn {

const Md5Kernel kMd5Avx512 = {kLanes, 9, blocks};

}  // namespace firn
