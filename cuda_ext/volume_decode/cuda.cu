#include <stdexcept>
#include <string>

#include "common/launch.h"
#include "volume_decode/cuda.h"
#include "volume_decode/launch.h"
#include "volume_decode/tail_layout.h"

namespace gen3d::volume_decode {
namespace {

int attribute(cudaDeviceAttr name) {
    int device = 0, value = 0;
    check_cuda(cudaGetDevice(&device), "volume decode, device");
    check_cuda(cudaDeviceGetAttribute(&value, name, device), "volume decode, device attribute");
    return value;
}

// Row tiles (of 16) of a block of the tail on this GPU; 0 where none fits.
int tail_row_tiles(int width, int inner) {
    if (width % kWarpColumns != 0 || width < kWarpColumns || width > kMaxWidth ||
        inner > kMaxWidth || attribute(cudaDevAttrComputeCapabilityMajor) < 8) {
        return 0;
    }
    const int room = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    for (const int tiles : {4, 2}) {
        // x of more than 512 channels fits the registers for 32 rows only.
        if (tiles == 4 && width > 512) continue;
        const TailLayout layout = tail_layout(16 * tiles, tail_ring(tiles), width, inner, true);
        if (16 * layout.total <= room) return tiles;
    }
    return 0;
}

}  // namespace

bool width_fits(int width, int inner) {
    return tail_row_tiles(width, inner) > 0;
}

void decode_cuda(const Sizes& sizes, const Tiles& tiles, const Queries& queries, const Keys& keys,
                 const Tail& tail, const Workspace& workspace, float* out, int64_t stream) {
    if (tiles.queries == 0) return;
    const int row_tiles = tail_row_tiles(sizes.width, sizes.inner);
    if (row_tiles == 0) {
        throw std::runtime_error("volume decode: width " + std::to_string(sizes.width) + " with " +
                                 std::to_string(sizes.heads) +
                                 " heads does not fit this GPU's shared memory");
    }
    // The second dimension of the attention's grid is limited to 65535.
    if (workspace.tiles < 1 || workspace.tiles > 65535 || keys.per_query < 1) {
        throw std::runtime_error("volume decode: no workspace or no keys");
    }
    const Decode call{sizes, tiles, queries, keys, tail, workspace, out, stream, row_tiles};
    if (sizes.bfloat16) {
        launch<BFloat16>(call);
    } else {
        launch<Half>(call);
    }
}

}  // namespace gen3d::volume_decode
