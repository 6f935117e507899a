/* The emulated device's memory, and what its calls return. */
#ifndef KERNELS_CUDA_EMULATE_MEMORY_H
#define KERNELS_CUDA_EMULATE_MEMORY_H

#include <cstddef>

#include "kernels/cuda/emulate/runtime.h"

namespace emulate {

#ifdef ASSAY_EMULATED_DEVICE
constexpr bool PROTECTED = true;
#else
constexpr bool PROTECTED = false;
#endif

enum { DEVICES_MOST = 8 };

/* What a call returns: its error, which is kept for who asks; once the device is lost, the reason
 * of that. */
cudaError_t given(cudaError_t error);
bool device_lost();

/* Of the current device. */
size_t memory_total();
size_t memory_used();
/* NULL when there is not as much. */
void *memory_take(size_t bytes);
/* False when it is none, or not the beginning of one. */
bool memory_give(void *memory);
/* Whether all the bytes are of one allocation. */
bool memory_has(const void *memory, size_t bytes);

/* Whether it may be an operand or a workspace: they are host memory where no device is emulated,
 * and end at the verifier's guard pages. */
bool is_operand(const void *memory);

/* Opens or closes all that the current device has, for a launch; one allocation, for a copy. */
void memory_reach(bool open);
void memory_reach_one(const void *memory, bool open);
/* Faults of kernels become illegal addresses, from on to off. */
void faults_watch(bool on);

} // namespace emulate

#endif
