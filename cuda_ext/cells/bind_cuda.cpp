#include "cells/bind.h"
#include "cells/cuda.h"

namespace gen3d::cells {
namespace {

struct CudaTwin {
    using Device = nb::device::cuda;
    using Last = int64_t;
    static constexpr auto ask_corners = &ask_corners_cuda;
    static constexpr auto count_wanted = &count_wanted_cuda;
    static constexpr auto take_wanted = &take_wanted_cuda;
    static constexpr auto gather_corners = &gather_corners_cuda;
    static constexpr auto live_children = &live_children_cuda;
    static constexpr auto mark_sure = &mark_sure_cuda;
    static constexpr auto crossed_children = &crossed_children_cuda;
    static constexpr auto claim_cells = &claim_cells_cuda;
    static constexpr auto open_faces = &open_faces_cuda;
};

using Cuda = Binding<CudaTwin>;

void brick_needs(Cuda::At at, int scale, Cuda::Bytes needs, int64_t stream) {
    const Cells cells = Cuda::view(at);
    const nb::gil_scoped_release release;
    brick_needs_cuda(cells, scale, needs.data(), stream);
}

}  // namespace

void bind_cuda(nb::module_& m) {
    Cuda::add_to(m);
    m.def("cells_brick_needs", &brick_needs);
}

}  // namespace gen3d::cells
