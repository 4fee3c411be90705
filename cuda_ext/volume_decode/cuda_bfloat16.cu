#include "volume_decode/launch.cuh"

namespace gen3d::volume_decode {

template void launch<BFloat16>(const Decode& call);

}  // namespace gen3d::volume_decode
