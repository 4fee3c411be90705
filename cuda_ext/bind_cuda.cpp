// gen3d._native_cuda: the CUDA kernels, with a static cudart, so that it loads without a GPU.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace gen3d::cells {
void bind_cuda(nb::module_& m);
}
namespace gen3d::isosurface {
void bind_cuda(nb::module_& m);
}
namespace gen3d::points {
void bind_cuda(nb::module_& m);
}
namespace gen3d::volume_decode {
void bind_cuda(nb::module_& m);
}

NB_MODULE(_native_cuda, m) {
    m.doc() = "CUDA kernels of gen3d; use them through gen3d.ops.";
    gen3d::cells::bind_cuda(m);
    gen3d::isosurface::bind_cuda(m);
    gen3d::points::bind_cuda(m);
    gen3d::volume_decode::bind_cuda(m);
}
