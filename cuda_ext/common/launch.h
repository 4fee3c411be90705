// What every launch of a CUDA kernel needs. For .cu files only.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

namespace gen3d {

inline cudaStream_t as_stream(int64_t stream) {
    return reinterpret_cast<cudaStream_t>(stream);
}

// Blocks of `block` threads, one thread per item.
inline unsigned blocks_for(int64_t items, int block) {
    const int64_t blocks = (items + block - 1) / block;
    if (blocks > 0x7fffffff) throw std::runtime_error("too many items for one kernel launch");
    return static_cast<unsigned>(blocks);
}

inline void check_cuda(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
    }
}

// To be called right after a launch.
inline void check_launch(const char* kernel) {
    check_cuda(cudaGetLastError(), kernel);
}

}  // namespace gen3d
