// Launches the kernels of one 16-bit format, chunk by chunk.
#pragma once
#include <algorithm>

#include "common/launch.h"
#include "volume_decode/attend.cuh"
#include "volume_decode/embed.cuh"
#include "volume_decode/launch.h"
#include "volume_decode/tail.cuh"

namespace gen3d::volume_decode {

template <typename T, int kRowTiles, bool kPostNorm>
void launch_tail(const Decode& call, int64_t first, int64_t count) {
    const Sizes& sizes = call.sizes;
    constexpr int kRing = tail_ring(kRowTiles);
    const auto kernel = tail_kernel<T, kRowTiles, kRing, kPostNorm>;
    const int rows = 16 * kRowTiles;
    const int bytes = 16 * tail_layout(rows, kRing, sizes.width, sizes.inner, kPostNorm).total;
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
               "volume decode, shared memory of the tail");
    const auto blocks = static_cast<unsigned>(count * (kTile / rows));
    kernel<<<blocks, sizes.width / 2, bytes, as_stream(call.stream)>>>(sizes, call.tiles, call.tail,
                                                                       call.work, call.out, first);
    check_launch("volume decode, tail");
}

template <typename T, bool kPostNorm>
void choose_tail(const Decode& call, int64_t first, int64_t count) {
    if (call.tail_row_tiles == 4) {
        launch_tail<T, 4, kPostNorm>(call, first, count);
    } else {
        launch_tail<T, 2, kPostNorm>(call, first, count);
    }
}

template <typename T>
void launch(const Decode& call) {
    const cudaStream_t stream = as_stream(call.stream);
    check_cuda(cudaFuncSetAttribute(attend_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    kAttendBytes),
               "volume decode, shared memory of the attention");
    for (int64_t first = 0; first < call.tiles.count; first += call.work.tiles) {
        const int64_t count = std::min(call.work.tiles, call.tiles.count - first);
        const auto embed_blocks = static_cast<unsigned>(count * (kTile / kEmbedRows));
        if (call.queries.points != nullptr) {
            features_kernel<<<embed_blocks, kEmbedThreads, 0, stream>>>(
                call.sizes, call.tiles, call.queries, call.work, first);
            check_launch("volume decode, features");
        }
        embed_kernel<T><<<embed_blocks, kEmbedThreads, 0, stream>>>(call.sizes, call.tiles,
                                                                    call.queries, call.work, first);
        check_launch("volume decode, embedding");
        const dim3 grid(static_cast<unsigned>(call.sizes.heads), static_cast<unsigned>(count));
        attend_kernel<T><<<grid, kAttendThreads, kAttendBytes, stream>>>(
            call.sizes, call.tiles, call.keys, call.work, first);
        check_launch("volume decode, attention");
        if (call.tail.post_norm) {
            choose_tail<T, true>(call, first, count);
        } else {
            choose_tail<T, false>(call, first, count);
        }
    }
}

}  // namespace gen3d::volume_decode
