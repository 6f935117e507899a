/* A matrix of bf16 as TMA sees it, in boxes of BOX_ROWS rows by DEPTH elements with the 128-byte
 * swizzle; under the emulator, the matrix itself. */
#ifndef KERNELS_HOPPER_MAP_H
#define KERNELS_HOPPER_MAP_H

#include "kernels/cuda/contract.h"
#include "kernels/hopper/plan.h"

#ifndef ASSAY_EMULATED
#include <cuda.h>
#endif

namespace assay_hopper {

using namespace assay_cuda;

#ifdef ASSAY_EMULATED
struct TileMap {
    const Bf16 *data;
    int64_t rows, columns, pitch;
};

inline bool is_there(const TileMap &map)
{
    return !emulate::is_host_memory(map.data);
}
#else
typedef CUtensorMap TileMap;
#endif

/* [rows, columns] with `pitch` elements from row to row; data and pitch are multiples of VECTOR
 * bytes, neither size is 0. Makes no call of the device. ASSAY_UNSUPPORTED: the driver is older
 * than TMA. */
assay_status make_map(const assay_exec *exec, const char *what, const void *data, int64_t rows,
                      int64_t columns, int64_t pitch, TileMap *map);

} // namespace assay_hopper

#endif
