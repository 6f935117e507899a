/* Instructions of sm_90a, each in a function of its own: barriers in shared memory, TMA copies,
 * wgmma, registers between warp groups. Addresses in shared memory are 32-bit. Only where the
 * compiler makes code for sm_90a (ASSAY_HOPPER_CODE); emulated.h and
 * emulated_product.h have all of them for the emulator.
 * Source: PTX ISA 8.x, the instructions' own sections. */
#ifndef KERNELS_HOPPER_INSTRUCTIONS_H
#define KERNELS_HOPPER_INSTRUCTIONS_H

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define ASSAY_HOPPER_CODE
#endif

#ifdef ASSAY_HOPPER_CODE

#include "kernels/hopper/map.h"

namespace assay_hopper {

__device__ __forceinline__ unsigned own_thread()
{
    return threadIdx.x;
}
__device__ __forceinline__ unsigned cluster_rank()
{
    unsigned rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

__device__ __forceinline__ unsigned cluster_number()
{
    return blockIdx.x / CLUSTER;
}
__device__ __forceinline__ unsigned cluster_count()
{
    return gridDim.x / CLUSTER;
}

/* The block's dynamic shared memory, as instructions and as C++ address it. */
struct BlockMemory {
    uint32_t address;
    unsigned char *memory;
};

__device__ __forceinline__ BlockMemory block_memory()
{
    extern __shared__ __align__(16) unsigned char assay_hopper_shared[];
    return {static_cast<uint32_t>(__cvta_generic_to_shared(assay_hopper_shared)),
            assay_hopper_shared};
}

/* All threads of all blocks of the cluster; what was written before is seen after. */
__device__ __forceinline__ void cluster_sync()
{
    asm volatile("barrier.cluster.arrive.release;\n"
                 "barrier.cluster.wait.acquire;" ::: "memory");
}

__device__ __forceinline__ void barrier_init(uint32_t barrier, unsigned arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals)
                 : "memory");
}

/* Barriers that were initialised are seen by the cluster and by TMA. */
__device__ __forceinline__ void barriers_ready()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

/* Arrives, and lets the phase wait for so many bytes of copies too. */
__device__ __forceinline__ void barrier_expect(uint32_t barrier, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
                 "r"(bytes)
                 : "memory");
}

/* Arrives at the barrier that a block of the cluster has at this address. It releases nothing to
 * the other block, which only learns that its copies may come: a release of the cluster's scope is
 * a fence of the whole GPU's, in every turn of the loop. */
__device__ __forceinline__ void barrier_arrive(uint32_t barrier, unsigned rank)
{
    asm volatile("{\n"
                 ".reg .b32 there;\n"
                 "mapa.shared::cluster.u32 there, %0, %1;\n"
                 "mbarrier.arrive.shared::cluster.b64 _, [there];\n"
                 "}" ::"r"(barrier),
                 "r"(rank)
                 : "memory");
}

/* Until the phase of this parity is over. */
__device__ __forceinline__ void barrier_wait(uint32_t barrier, unsigned parity)
{
    unsigned over = 0;
    while (over == 0) {
        asm volatile("{\n"
                     ".reg .pred over;\n"
                     "mbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, over;\n"
                     "}"
                     : "=r"(over)
                     : "r"(barrier), "r"(parity)
                     : "memory");
    }
}

/* BOX_ROWS rows of DEPTH elements to shared memory, zeros for what lies outside of the matrix; the
 * barrier is told of the bytes. */
__device__ __forceinline__ void fetch(uint32_t to, const TileMap *map, uint32_t barrier,
                                      int32_t column, int32_t row)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile"
                 ".mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(column), "r"(row)
                 : "memory");
}

/* The same to every block of the cluster, to the same address in each, whose own barrier at this
 * address is told. */
__device__ __forceinline__ void fetch_for_all(uint32_t to, const TileMap *map, uint32_t barrier,
                                              int32_t column, int32_t row)
{
    constexpr uint16_t everybody = (1u << CLUSTER) - 1;
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile"
                 ".mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4}], [%2], "
                 "%5;" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(column), "r"(row), "h"(everybody)
                 : "memory");
}

/* All threads that multiply; __syncthreads has barrier 0. */
__device__ __forceinline__ void consumers_sync()
{
    asm volatile("bar.sync 1, %0;" ::"n"(CONSUMERS * GROUP_THREADS) : "memory");
}

/* A warp group's registers for each thread; the block's together must not become more. */
template <unsigned COUNT> __device__ __forceinline__ void give_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}
template <unsigned COUNT> __device__ __forceinline__ void take_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}

__device__ __forceinline__ void multiply_begin()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void multiply_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/* Until at most so many committed groups are still on their way. */
template <int LEFT> __device__ __forceinline__ void multiply_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}

#define ASSAY_EIGHT(d, i)                                                                          \
    "+f"(d[i]), "+f"(d[(i) + 1]), "+f"(d[(i) + 2]), "+f"(d[(i) + 3]), "+f"(d[(i) + 4]),            \
        "+f"(d[(i) + 5]), "+f"(d[(i) + 6]), "+f"(d[(i) + 7])
#define ASSAY_SUMS(d)                                                                              \
    ASSAY_EIGHT(d, 0), ASSAY_EIGHT(d, 8), ASSAY_EIGHT(d, 16), ASSAY_EIGHT(d, 24),                  \
        ASSAY_EIGHT(d, 32), ASSAY_EIGHT(d, 40), ASSAY_EIGHT(d, 48), ASSAY_EIGHT(d, 56),            \
        ASSAY_EIGHT(d, 64), ASSAY_EIGHT(d, 72), ASSAY_EIGHT(d, 80), ASSAY_EIGHT(d, 88),            \
        ASSAY_EIGHT(d, 96), ASSAY_EIGHT(d, 104), ASSAY_EIGHT(d, 112), ASSAY_EIGHT(d, 120)

/* Sums become final here: the compiler reads none of them before a wait that stands above. */
__device__ __forceinline__ void sums_settle(float (&d)[SUMS])
{
    asm volatile("" : ASSAY_SUMS(d)::"memory");
}

/* D[64,256] = A[64,16] B[256,16]^T (+ D where `add`), bf16 into f32, by a warp group. */
__device__ __forceinline__ void multiply(float (&d)[SUMS], uint64_t a, uint64_t b, bool add)
{
    asm volatile(
        "{\n"
        ".reg .pred add;\n"
        "setp.ne.b32 add, %130, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
        "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
        "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
        "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, "
        "%108, %109, %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, "
        "%120, %121, %122, %123, %124, %125, %126, %127}, "
        "%128, %129, add, 1, 1, 0, 0;\n"
        "}"
        : ASSAY_SUMS(d)
        : "l"(a), "l"(b), "r"(static_cast<int>(add)));
}

} // namespace assay_hopper

#endif
#endif
