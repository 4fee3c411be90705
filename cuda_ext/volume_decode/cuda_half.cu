#include "volume_decode/launch.cuh"

namespace gen3d::volume_decode {

template void launch<Half>(const Decode& call);

}  // namespace gen3d::volume_decode
