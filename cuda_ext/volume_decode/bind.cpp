#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "volume_decode/cpu.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gen3d::volume_decode {
namespace {

template <typename T>
using Flat = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::vector<std::string> names() {
    const Build* found[kMaxBuilds];
    const int64_t count = builds(found);
    std::vector<std::string> result;
    for (int64_t i = 0; i < count; ++i) result.emplace_back(found[i]->name);
    return result;
}

const Build& build_named(const std::string& name) {
    const Build* found[kMaxBuilds];
    const int64_t count = builds(found);
    for (int64_t i = 0; i < count; ++i) {
        if (name == found[i]->name) return *found[i];
    }
    throw std::invalid_argument("no build of volume_decode named " + name + " runs here");
}

const uint32_t* words(const Flat<const int32_t>& panel) {
    return reinterpret_cast<const uint32_t*>(panel.data());
}

// Arrays are flat; their sizes were checked where they were packed. Switches: width, heads,
// head_dim, hidden, tokens, gelu is tanh, query norm, last norm, pairs, shared query, fused values,
// rows are bfloat16, outputs. Eps: of norm, query norm and last norm.
void bind_decode(const std::string& name, Flat<const float> points, Flat<const int32_t> index,
                 Flat<const float> coordinates, Flat<const float> frequencies,
                 const std::vector<Flat<const int32_t>>& panels,
                 const std::vector<Flat<const float>>& vectors, Flat<const int32_t> key_rows,
                 Flat<const int32_t> value_rows, Flat<const int64_t> offsets,
                 Flat<const int32_t> chosen, const std::vector<int64_t>& switches,
                 const std::vector<double>& eps, Flat<float> out, int threads) {
    const Build& build = build_named(name);
    if (panels.size() != 7 || vectors.size() != 9 || switches.size() != 13 || eps.size() != 3) {
        throw std::invalid_argument("volume_decode: wrong number of arrays");
    }
    Model model{};
    model.width = switches[0];
    model.heads = switches[1];
    model.head_dim = switches[2];
    model.hidden = switches[3];
    model.octaves = static_cast<int64_t>(frequencies.size());
    model.tanh_gelu = switches[5] != 0;
    model.query_norm = static_cast<QueryNorm>(switches[6]);
    model.post_norm = switches[7] != 0;
    model.pairs = switches[8] != 0;
    model.norm_eps = static_cast<float>(eps[0]);
    model.query_norm_eps = static_cast<float>(eps[1]);
    model.post_eps = static_cast<float>(eps[2]);
    model.outputs = switches[12];
    model.frequencies = frequencies.data();
    model.embed = words(panels[0]);
    model.query = words(panels[1]);
    model.proj = words(panels[2]);
    model.fc_in = words(panels[3]);
    model.fc_out = words(panels[4]);
    model.query_shift = vectors[0].data();
    model.query_scale = vectors[1].data();
    model.query_offset = vectors[2].data();
    model.proj_bias = vectors[3].data();
    model.fc_in_bias = vectors[4].data();
    model.fc_out_bias = vectors[5].data();
    model.head = vectors[6].data();
    model.head_bias = vectors[7].data();
    model.head_of_hidden = vectors[8].data();

    const bool grid = index.size() != 0;
    const Queries queries{grid ? nullptr : points.data(), index.data(), coordinates.data()};
    const Tokens tokens{switches[4], switches[9] != 0, switches[10] != 0, words(panels[5]),
                        words(panels[6])};
    const bool selected = offsets.size() != 0;
    const int64_t groups = selected ? static_cast<int64_t>(offsets.size()) - 1 : 0;
    const int64_t rows = groups * model.heads;
    const Selection selection{groups,
                              rows == 0 ? 0 : static_cast<int64_t>(chosen.size()) / rows,
                              offsets.data(),
                              chosen.data(),
                              key_rows.data(),
                              value_rows.data(),
                              tokens.count,
                              switches[11] != 0};
    const nb::gil_scoped_release release;
    decode(build, model, tokens, queries, static_cast<int64_t>(out.size()) / model.outputs,
           selected ? &selection : nullptr, out.data(), threads);
}

}  // namespace

void bind(nb::module_& m) {
    m.def("volume_decode_builds", &names, "Builds of the decoder that run here, worst first.");
    m.def("volume_decode", &bind_decode, "build"_a, "points"_a, "index"_a, "coordinates"_a,
          "frequencies"_a, "panels"_a, "vectors"_a, "key_rows"_a, "value_rows"_a, "offsets"_a,
          "chosen"_a, "switches"_a, "eps"_a, "out"_a, "threads"_a);
}

}  // namespace gen3d::volume_decode
