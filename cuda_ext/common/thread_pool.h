// Our own pool: torch wheels bring an OpenMP runtime that would spin against a second one.
#pragma once
#include <cstdint>
#include <functional>

namespace gen3d {

// Calls body(begin, end) over [0, count) in blocks of `grain`, on at most `threads` threads
// (the caller is one of them). Which thread runs which block is not fixed, so bodies must write
// to places that depend on the block alone; results then never depend on the thread count.
// An exception thrown by a body is passed on to the caller.
void parallel_for(int64_t count, int64_t grain, int threads,
                  const std::function<void(int64_t, int64_t)>& body);

}  // namespace gen3d
