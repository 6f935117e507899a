#include "kernels/hopper/map.h"

namespace assay_hopper {

#ifdef ASSAY_EMULATED

assay_status make_map(const assay_exec *, const char *, const void *data, int64_t rows,
                      int64_t columns, int64_t pitch, TileMap *map)
{
    *map = {static_cast<const Bf16 *>(data), rows, columns, pitch};
    return ASSAY_OK;
}

#else

typedef CUresult encode_fn(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank,
                           void *address, const cuuint64_t *sizes, const cuuint64_t *strides,
                           const cuuint32_t *box, const cuuint32_t *steps,
                           CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                           CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill);

/* From the driver that the runtime has opened: nothing here is linked to it. */
static cudaError_t find_encode(encode_fn **encode)
{
    static const char name[] = "cuTensorMapEncodeTiled";
    void *found = nullptr;
    cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result);
#else
    const cudaError_t error = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
    *encode = result == cudaDriverEntryPointSuccess ? reinterpret_cast<encode_fn *>(found)
                                                    : nullptr;
    return error;
}

assay_status make_map(const assay_exec *exec, const char *what, const void *data, int64_t rows,
                      int64_t columns, int64_t pitch, TileMap *map)
{
    encode_fn *encode = nullptr;
    ASSAY_CUDA_TRY(exec, find_encode(&encode));
    if (encode == nullptr) {
        return assay_fail(exec->error, ASSAY_UNSUPPORTED,
                          "the driver has no cuTensorMapEncodeTiled; install one of CUDA 12.0 or "
                          "later");
    }
    const cuuint64_t sizes[] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
    const cuuint64_t strides[] = {static_cast<cuuint64_t>(pitch) * sizeof(Bf16)};
    const cuuint32_t box[] = {DEPTH, BOX_ROWS};
    const cuuint32_t steps[] = {1, 1};
    const CUresult result =
        encode(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void *>(data), sizes, strides,
               box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
               CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result != CUDA_SUCCESS) {
        return assay_fail(exec->error, ASSAY_DEVICE,
                          "cuTensorMapEncodeTiled of %s, %lld x %lld at a pitch of %lld elements: "
                          "CUresult %d (%s:%d)",
                          what, static_cast<long long>(rows), static_cast<long long>(columns),
                          static_cast<long long>(pitch), static_cast<int>(result), __FILE__,
                          __LINE__);
    }
    return ASSAY_OK;
}

#endif

} // namespace assay_hopper
