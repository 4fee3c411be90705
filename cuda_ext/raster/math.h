// Triangle rasterisation: what every twin computes.
//
// Camera space follows OpenCV (x right, y down, z forward); pixel centres are at half integers.
// Screen positions are snapped to 1/256 pixel, so that edge functions are exact integers: with the
// top-left rule, triangles that share an edge neither leave a gap nor cover a pixel twice.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/host_device.h"

namespace gen3d::raster {

inline constexpr int64_t kSubpixel = 256;
// Triangles are clipped to this many pixels around the image: products of edges then fit 64 bits.
inline constexpr double kGuard = 1 << 20;
inline constexpr int kMaxCorners = 8;  // a triangle cut by five planes

struct View {
    double fx, fy, cx, cy;  // pixels
    double near_z;          // clip distance along z
    int64_t width, height;
};

struct Corner {
    double p[3];            // camera space
    double barycentric[3];  // within the original triangle
};

struct ScreenTriangle {
    int64_t x[3], y[3];  // 1/256 pixels, positive area
    double inverse_z[3];
    int64_t area;
};

// Signed distance to clip plane 0..4, positive inside: near, left, right, top, bottom.
GEN3D_HD double clip_distance(const View& view, int plane, const double* p) {
    switch (plane) {
        case 0:
            return p[2] - view.near_z;
        case 1:
            return view.fx * p[0] + (view.cx + kGuard) * p[2];
        case 2:
            return (kGuard - view.cx) * p[2] - view.fx * p[0];
        case 3:
            return view.fy * p[1] + (view.cy + kGuard) * p[2];
        default:
            return (kGuard - view.cy) * p[2] - view.fy * p[1];
    }
}

// Sutherland-Hodgman against one plane. The cut is always taken from the inside corner to the
// outside one, so that two triangles that share an edge cut it at the same point.
GEN3D_HD int clip_polygon(const View& view, int plane, const Corner* in, int n, Corner* out) {
    int made = 0;
    for (int i = 0; i < n; ++i) {
        const Corner& a = in[i];
        const Corner& b = in[(i + 1) % n];
        const double da = clip_distance(view, plane, a.p);
        const double db = clip_distance(view, plane, b.p);
        if (da >= 0) out[made++] = a;
        if ((da >= 0) == (db >= 0)) continue;
        const Corner& inside = da >= 0 ? a : b;
        const Corner& outside = da >= 0 ? b : a;
        const double t = da >= 0 ? da / (da - db) : db / (db - da);
        for (int k = 0; k < 3; ++k) {
            out[made].p[k] = inside.p[k] + t * (outside.p[k] - inside.p[k]);
            out[made].barycentric[k] =
                inside.barycentric[k] + t * (outside.barycentric[k] - inside.barycentric[k]);
        }
        ++made;
    }
    return made;
}

// Projects three corners; false when the snapped triangle has no area. Corners 1 and 2 change
// places (and `swapped` is set) where the triangle faces away, so that the area is positive.
GEN3D_HD bool project(const View& view, const Corner& a, const Corner& b, const Corner& c,
                      ScreenTriangle& out, bool& swapped) {
    const Corner* corners[3] = {&a, &b, &c};
    for (int i = 0; i < 3; ++i) {
        const double* p = corners[i]->p;
        out.inverse_z[i] = 1.0 / p[2];
        out.x[i] = static_cast<int64_t>(floor((view.fx * p[0] / p[2] + view.cx) * kSubpixel + 0.5));
        out.y[i] = static_cast<int64_t>(floor((view.fy * p[1] / p[2] + view.cy) * kSubpixel + 0.5));
    }
    out.area = (out.x[1] - out.x[0]) * (out.y[2] - out.y[0]) -
               (out.y[1] - out.y[0]) * (out.x[2] - out.x[0]);
    swapped = out.area < 0;
    if (swapped) {
        const int64_t x = out.x[1], y = out.y[1];
        const double z = out.inverse_z[1];
        out.x[1] = out.x[2], out.y[1] = out.y[2], out.inverse_z[1] = out.inverse_z[2];
        out.x[2] = x, out.y[2] = y, out.inverse_z[2] = z;
        out.area = -out.area;
    }
    return out.area > 0;
}

// Twice the area of (edge from corner a to corner b, point): positive inside.
GEN3D_HD int64_t edge_function(const ScreenTriangle& t, int a, int b, int64_t x, int64_t y) {
    return (t.x[b] - t.x[a]) * (y - t.y[a]) - (t.y[b] - t.y[a]) * (x - t.x[a]);
}

// Points on an edge belong to the triangle whose top or left edge it is (y points down).
GEN3D_HD bool is_top_left(const ScreenTriangle& t, int a, int b) {
    const int64_t dx = t.x[b] - t.x[a], dy = t.y[b] - t.y[a];
    return dy < 0 || (dy == 0 && dx > 0);
}

// The first and last pixel whose centre lies between two snapped coordinates.
GEN3D_HD int64_t first_pixel(int64_t low) {
    const int64_t shifted = low - kSubpixel / 2 + kSubpixel - 1;
    return shifted >= 0 ? shifted / kSubpixel : -((-shifted + kSubpixel - 1) / kSubpixel);
}
GEN3D_HD int64_t last_pixel(int64_t high) {
    const int64_t shifted = high - kSubpixel / 2;
    return shifted >= 0 ? shifted / kSubpixel : -((-shifted + kSubpixel - 1) / kSubpixel);
}

}  // namespace gen3d::raster
