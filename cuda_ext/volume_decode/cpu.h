// The fused geometry decoder on the CPU: what the builds for different instructions share.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gen3d::volume_decode {

// Matrices come in panels of eight rows of 32-bit words, [rows / 8][words][8]: a word is a float,
// or two neighbouring columns in bfloat16.
using Words = const uint32_t*;

enum class QueryNorm { kNone, kLayer, kRms };

struct Model {
    int64_t width, heads, head_dim, hidden, octaves, outputs;
    bool tanh_gelu, post_norm;
    bool pairs;  // proj, fc_in, fc_out (and keys, values) are bfloat16
    QueryNorm query_norm;
    float norm_eps, query_norm_eps, post_eps;
    const float* frequencies;
    Words embed;  // columns: features, then the bias
    Words query;  // the same for each head, [heads][head_dim / 8]...
    Words proj, fc_in, fc_out;
    const float *query_shift, *query_scale, *query_offset;
    const float *proj_bias, *fc_in_bias, *fc_out_bias;
    const float *head, *head_bias;  // [outputs][width], [outputs]
    const float* head_of_hidden;    // head times fc_out: the last product where no norm follows it

    int64_t inner() const { return heads * head_dim; }
    int64_t features() const { return 3 * (2 * octaves + 1); }
};

struct Tokens {
    int64_t count;      // keys per head
    bool shared_query;  // keys are columns over [features / s, 1 / s, 1], always floats
    bool fused_values;  // one list of keys over all heads; values are rows of width
    Words keys;         // [heads][count / 8][words][8]
    Words values;       // [heads][head_dim / 8][count words][8]
};

struct Queries {
    const float* points;       // [count][3], or
    const int32_t* index;      // [count][3] with
    const float* coordinates;  // those of grid samples
};

// One compiled form of the kernel. `run` decodes the `count` <= tile queries first, first + 1, ...
// to out[0], out[1], ... (output o of a query `stride` floats after output o - 1); scratch holds scratch_words(...) words and is aligned to 64 bytes.
struct Build {
    const char* name;
    int64_t tile;
    int64_t (*scratch_words)(const Model&, const Tokens&);
    void (*run)(const Model&, const Tokens&, const Queries&, int64_t first, int64_t count,
                float* out, int64_t stride, float* scratch);
};

const Build* portable_build();
#ifdef GEN3D_X86_BUILDS
const Build* avx2_build();
const Build* avx512_build();
#endif
#ifdef GEN3D_BF16_BUILD
const Build* avx512_bf16_build();
#endif

// The builds that run on this machine, worst first.
int64_t builds(const Build** out);
inline constexpr int64_t kMaxBuilds = 4;

// Selected keys: queries offsets[g] .. offsets[g + 1] look at the keys chosen[g][head][k] of the
// plain rows (floats, or bfloat16 where the model has pairs).
struct Selection {
    int64_t groups, k;
    const int64_t* offsets;
    const int32_t* chosen;
    const void *key_rows, *value_rows;  // [heads][tokens][head_dim]
    int64_t tokens;
    bool bfloat16;
};

// Decodes all queries to out, [outputs][count].
void decode(const Build& build, const Model& model, const Tokens& tokens, const Queries& queries,
            int64_t count, const Selection* selection, float* out, int threads);

}  // namespace gen3d::volume_decode
