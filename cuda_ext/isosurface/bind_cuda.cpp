#include "isosurface/bind.h"
#include "isosurface/cuda.h"

namespace gen3d::isosurface {
namespace {

struct CudaTwin {
    using Device = nb::device::cuda;
    using Last = int64_t;
    static constexpr const char* kLast = "stream";
    static constexpr auto run_count = &gen3d::isosurface::count_cuda;
    static constexpr auto run_emit = &gen3d::isosurface::emit_cuda;
};

}  // namespace

void bind_cuda(nb::module_& m) {
    Binding<CudaTwin>::add_to(m);
}

}  // namespace gen3d::isosurface
