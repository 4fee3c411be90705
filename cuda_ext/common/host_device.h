// What a header needs so that the host compiler and nvcc both read it. Under nvcc its functions are
// for the device alone: the CPU twin is compiled by the host compiler.
#pragma once

#ifdef __CUDACC__
#define GEN3D_HD __device__ __forceinline__
// Tables are read with different indices by neighbouring threads: global memory, not __constant__.
#define GEN3D_TABLE(type, name, dims) static __device__ const type name dims
#else
#define GEN3D_HD inline
#define GEN3D_TABLE(type, name, dims) inline constexpr type name dims
#endif
