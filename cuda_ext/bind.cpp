// gen3d._native: the CPU kernels. Arrays cross as DLPack views; outputs are allocated by torch.
#include <nanobind/nanobind.h>

#include "common/simd.h"

namespace nb = nanobind;

namespace gen3d::cells {
void bind(nb::module_& m);
}
namespace gen3d::isosurface {
void bind(nb::module_& m);
}
namespace gen3d::points {
void bind(nb::module_& m);
}
namespace gen3d::raster {
void bind(nb::module_& m);
}
namespace gen3d::volume_decode {
void bind(nb::module_& m);
}

NB_MODULE(_native, m) {
    m.doc() = "CPU kernels of gen3d; use them through gen3d.ops.";
    m.def("simd_level", &gen3d::simd_level, "The vector instructions of this machine.");
    gen3d::cells::bind(m);
    gen3d::isosurface::bind(m);
    gen3d::points::bind(m);
    gen3d::raster::bind(m);
    gen3d::volume_decode::bind(m);
}
