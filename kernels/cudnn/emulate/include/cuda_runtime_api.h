/* What cuDNN's header wants of CUDA's, from the emulator. */
#ifndef KERNELS_CUDNN_EMULATE_CUDA_RUNTIME_API_H
#define KERNELS_CUDNN_EMULATE_CUDA_RUNTIME_API_H

#include "kernels/cuda/emulate/emulate.h"

typedef struct emulate_graph *cudaGraph_t;

#endif
