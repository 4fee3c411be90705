// The geometry decoder on CUDA: value(p) = head(mlp(x)), x = e(p) + proj(attention(q(p), K, V)).
//
// Three kernels over chunks of query tiles, rather than one over everything. Per query of the
// published turbo decoder (width 512, 8 heads of 64, 3072 tokens) attention is 6.3 MFLOP on keys
// that all queries share, the rest 1.0 MFLOP on weights that all queries share. They want opposite
// shapes: attention 128 queries of one head, whose accumulators fill the registers of 4 warps
// (two such blocks per multiprocessor hide each other's exponentials); the rest all channels of 64
// queries, whose accumulators fill those of 8 warps. Between them goes what no register file
// holds anyway: q and the attention's output (16-bit, in one buffer, in place) and e (float32),
// 6 to 8 bytes per channel. That is 4 KB written and read per query, 3 M queries at R = 384: about
// 25 GB, 6 ms of 120 if all of it missed L2. A chunk is four tiles per multiprocessor (528 tiles =
// 67584 queries on an H200: whole waves in every kernel, and gaps between launches of about 1 %),
// so the buffers are 208 MB at width 512 whatever the number of queries.
//
// A query's value depends on its coordinates and on its keys alone, to the bit: rows of a tile
// never mix, and every reduction has a fixed order.
#pragma once
#include <cstdint>

namespace gen3d::volume_decode {

inline constexpr int kTile = 128;    // queries of one attention block
inline constexpr int kHeadDim = 64;  // channels of a head; narrower heads are padded with zeros
inline constexpr int kMaxWidth = 1024;

// Queries come in groups that share selected keys; a tile holds queries of one group.
struct Tiles {
    const int64_t* offsets;     // (groups + 1): first query of each group; null: all are one group
    const int64_t* first_tile;  // (groups + 1): first tile of each group
    int64_t groups;
    int64_t queries;
    int64_t count;  // tiles, or more: those past the last are empty
};

// Where e and the raw query come from: sums of `axes` rows of a table each, or, for points, a
// matrix times features computed on the fly.
struct Queries {
    const int32_t* index;        // (queries, 3): rows in the tables; null for points
    const float* points;         // (queries, 3); null for a grid
    const float* embed;          // grid: (3, side, width); points: (features, width), transposed
    const float* query;          // grid: (3, side, inner); points: (features, inner)
    const float* embed_bias;     // points: (width)
    const float* query_bias;     // points: (inner)
    const float* frequencies;    // points: (octaves)
    const float* shift;          // (inner): added to the query after the division
    const float* norm_scale;     // (64): of the norm of queries
    const float* norm_offset;    // (64)
    const float* residual_bias;  // (width): added to e for the residual stream
    int64_t side;
    int octaves;
    int norm;      // 0 none, 1 layer norm, 2 root mean square
    int head_dim;  // channels of a head before padding
    float eps, norm_eps;
};

struct Keys {
    const uint16_t* keys;    // (heads, tokens, 64)
    const uint16_t* values;  // (heads, tokens, 64)
    const int32_t* chosen;   // (groups, heads, per_query): the keys a group looks at; null: all
    int64_t tokens;
    int64_t per_query;  // keys each query looks at
};

// The large matrices as the tail's warps read them: see tail.cuh.
struct Tail {
    const uint16_t* stream;
    const float* hidden_bias;  // (hidden)
    const float* hidden_head;  // (hidden): head times fc_out, where there is no last norm
    const float* output_bias;  // (width): fc_out's, where there is a last norm
    const float* head;         // (width)
    const float* head_bias;    // (1)
    float eps, post_eps;
    int hidden;  // padded
    bool tanh_gelu;
    bool post_norm;
};

struct Sizes {
    int width;  // multiple of 64
    int heads;
    int inner;  // heads * 64
    bool bfloat16;
};

struct Workspace {
    uint16_t* heads;  // (rows, inner): q, then the attention's output
    float* embed;     // (rows, width)
    float* raw;       // points: (rows, inner)
    int64_t tiles;    // rows / 128
};

// Writes one value per query. Pointers are device pointers, `stream` is a cudaStream_t as an
// integer. Throws std::runtime_error when a launch fails or a size is not supported.
void decode_cuda(const Sizes& sizes, const Tiles& tiles, const Queries& queries, const Keys& keys,
                 const Tail& tail, const Workspace& workspace, float* out, int64_t stream);

// Whether the kernels support these sizes, and the current device has shared memory enough.
bool width_fits(int width, int inner);

}  // namespace gen3d::volume_decode
