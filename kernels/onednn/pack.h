/* Weights as oneDNN wants a tile of them. */
#ifndef KERNELS_ONEDNN_PACK_H
#define KERNELS_ONEDNN_PACK_H

#include "kernels/onednn/matmul.h"

typedef struct onednn_tiles {
    unsigned char *data; /* [tiles][tile_bytes] */
    size_t tile_bytes;   /* whole cache lines */
} onednn_tiles;

/* Rounded to the element, reordered to `form`; outputs beyond the matrix are zeros. To be closed
 * also after an error. */
dnnl_status_t onednn_open_tiles(const assay_exec *exec, assay_dtype element,
                                const assay_tensor *weight, const library_shape *shape,
                                const dnnl_memory_desc_t *form, onednn_tiles *tiles);
void onednn_close_tiles(onednn_tiles *tiles);

#endif
