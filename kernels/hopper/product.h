/* Dot products of rows of x with rows of a weight, both bf16, by wgmma; sums of f32 go from
 * registers to an ending, with what stands beside each latent (Column), and never to memory by
 * themselves. Persistent blocks, in clusters of two:
 *
 *   one thread of the first warp group fetches by TMA, STAGES stages ahead: its block's 128 rows of
 *     x, and half of the weight's 256 rows, which TMA hands to both blocks of the cluster
 *   two warp groups multiply 64 x 256 each, and hand their sums to the ending, warp by warp; the
 *     tile's columns, asked for before its products, lie in shared memory by then
 *
 * A stage is filled anew when all consumers of both blocks have read it (`empty`), read when all
 * three copies have come (`full`). What lies outside of a matrix TMA makes zero: tails of rows,
 * latents and depth are multiplied as zeros.
 *
 * Each sum is taken in order of k, in blocks of STEP, by one accumulator: the same whatever other
 * rows there are. In what order a tensor core adds within a block is its own affair; it cuts sums
 * off (kernels/cublas/mode.h has the contract that this allows).
 *
 * Not run on hardware. What it aims for: at 65,536 latents of 4,096 inputs and 1024 rows or more,
 * at least 70% of the GEMM peak that `assay probe` measures. By arithmetic alone, for an H100 of
 * 132 multiprocessors: 2048 tiles in 15.5 rounds (97%); a stage of 0.69 us at 800 TFLOP/s has
 * 32 KiB to fetch from L2, 6.3 TB/s together, and 48 KiB without the cluster's sharing; the
 * encoder comes from memory once, 512 MiB in 0.16 ms of 0.69 ms.
 *
 * Under the emulator (emulated.h, emulated_product.h) this very text runs on emulated barriers,
 * copies and wgmma. */
#ifndef KERNELS_HOPPER_PRODUCT_H
#define KERNELS_HOPPER_PRODUCT_H

#ifdef ASSAY_EMULATED
#define ASSAY_HOPPER_CODE
#include "kernels/hopper/emulated_product.h"
#else
#include "kernels/hopper/instructions.h"
#endif
#include "kernels/hopper/map.h"

/* The other architectures' code is never launched (supports), and has no clusters. */
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define ASSAY_HOPPER_CLUSTERED __cluster_dims__(CLUSTER, 1, 1)
#else
#define ASSAY_HOPPER_CLUSTERED
#endif

namespace assay_hopper {

#ifdef ASSAY_HOPPER_CODE

enum { PRODUCER_REGISTERS = 40, CONSUMER_REGISTERS = 232 };

/* A place in the ring of stages, and the parity of how often it went round. */
struct Turn {
    unsigned stage, parity;

    __device__ __forceinline__ void next()
    {
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        parity ^= stage == 0 ? 1u : 0u;
    }
};

struct Ring {
    uint32_t stages;
    Column *columns;

    __device__ __forceinline__ uint32_t x(unsigned stage) const
    {
        return stages + stage * STAGE_BYTES;
    }
    __device__ __forceinline__ uint32_t weight(unsigned stage) const { return x(stage) + X_BYTES; }
    __device__ __forceinline__ uint32_t full(unsigned stage) const
    {
        return stages + BARRIERS_AT + stage * 8;
    }
    __device__ __forceinline__ uint32_t empty(unsigned stage) const { return full(STAGES + stage); }
};

__device__ __forceinline__ Place place_of(int64_t unit, const Extent &extent)
{
    const Unit own = unit_of(unit, pairs_of(extent.rows), tiles_of(extent.latents));
    const int group = static_cast<int>(own_thread()) / GROUP_THREADS - 1;
    return {unit, own.tile,
            (own.pair * CLUSTER + cluster_rank()) * TILE_ROWS + group * GROUP_ROWS,
            own.tile * TILE_LATENTS, static_cast<int>(own_thread()) % GROUP_THREADS};
}

/* By one thread. Within a phase of `full` the other block's half may come before this one expects
 * it: the phase does not end without this block's arrival. */
template <typename Ending>
__device__ __forceinline__ void fetch_all(const Ring &ring, const TileMap *x, const TileMap *weight,
                                          const Extent &extent, const Ending &ending)
{
    const int64_t units = pairs_of(extent.rows) * tiles_of(extent.latents);
    const unsigned rank = cluster_rank();
    Turn turn = {0, 0};
    for (int64_t unit = cluster_number(); unit < units; unit += cluster_count()) {
        if (!ending.wanted(unit)) {
            continue;
        }
        const Unit own = unit_of(unit, pairs_of(extent.rows), tiles_of(extent.latents));
        const int32_t row = static_cast<int32_t>((own.pair * CLUSTER + rank) * TILE_ROWS);
        const int32_t latent = static_cast<int32_t>(own.tile * TILE_LATENTS + rank * BOX_ROWS);
        for (int32_t k = 0; k < extent.depth; k += DEPTH) {
            barrier_wait(ring.empty(turn.stage), turn.parity ^ 1u);
            const uint32_t full = ring.full(turn.stage);
            barrier_expect(full, STAGE_BYTES);
            fetch(ring.x(turn.stage), x, full, k, row);
            fetch_for_all(ring.weight(turn.stage) + rank * BOX_BYTES, weight, full, k, latent);
            turn.next();
        }
    }
}

/* A warp has read a stage: told to both blocks, by a lane each. */
__device__ __forceinline__ void hand_back(const Ring &ring, unsigned stage)
{
    const unsigned lane = own_thread() % WARP;
    if (lane < CLUSTER) {
        barrier_arrive(ring.empty(stage), lane);
    }
}

template <typename Ending>
__device__ __forceinline__ void multiply_all(const Ring &ring, const Extent &extent,
                                             const Ending &ending)
{
    const int64_t units = pairs_of(extent.rows) * tiles_of(extent.latents);
    const uint32_t own_rows = (own_thread() / GROUP_THREADS - 1) * GROUP_ROWS * ROW_BYTES;
    Turn turn = {0, 0};
    Column *columns = ring.columns;
    for (int64_t unit = cluster_number(); unit < units; unit += cluster_count()) {
        if (!ending.wanted(unit)) {
            continue;
        }
        const Place place = place_of(unit, extent);
        const unsigned own = own_thread() - GROUP_THREADS;
        const Column brought = ending.column[place.latent + own];
        float sum[SUMS];
#pragma unroll
        for (int i = 0; i < SUMS; i++) {
            sum[i] = 0.0f;
        }
        unsigned before = 0;
        for (int32_t k = 0; k < extent.depth; k += DEPTH) {
            barrier_wait(ring.full(turn.stage), turn.parity);
            const uint64_t a = descriptor_of(ring.x(turn.stage) + own_rows);
            const uint64_t b = descriptor_of(ring.weight(turn.stage));
            sums_settle(sum);
            multiply_begin();
#pragma unroll
            for (unsigned step = 0; step < DEPTH / STEP; step++) {
                multiply(sum, a + step * DESCRIPTOR_STEP, b + step * DESCRIPTOR_STEP,
                         k > 0 || step > 0);
            }
            multiply_commit();
            multiply_wait<1>(); /* all but the products just begun */
            if (k > 0) {
                hand_back(ring, before);
            }
            before = turn.stage;
            turn.next();
        }
        multiply_wait<0>();
        sums_settle(sum);
        hand_back(ring, before);
        /* One meeting a tile is enough: who writes here again has met all others since, after they
         * had read these. */
        columns[own] = brought;
        consumers_sync();
        ending(sum, place, columns);
        columns = columns == ring.columns ? ring.columns + TILE_LATENTS : ring.columns;
    }
}

#endif

/* Every unit that the ending wants, to the ending. Grid: whole clusters; dynamic shared memory:
 * SHARED_BYTES (under the emulator a block is a cluster, and has its memory elsewhere). */
template <typename Ending>
static __global__ void ASSAY_HOPPER_CLUSTERED __launch_bounds__(THREADS, 1)
    multiply_tiles(const __grid_constant__ TileMap x, const __grid_constant__ TileMap weight,
                   Extent extent, Ending ending)
{
#ifdef ASSAY_HOPPER_CODE
    const BlockMemory own = block_memory();
    const uint32_t stages = (own.address + ATOM - 1) / ATOM * ATOM;
    const Ring ring = {stages, reinterpret_cast<Column *>(own.memory + (stages - own.address) +
                                                          COLUMNS_AT)};
    if (own_thread() == 0) {
        for (unsigned stage = 0; stage < STAGES; stage++) {
            barrier_init(ring.full(stage), 1);
            barrier_init(ring.empty(stage), CLUSTER * CONSUMERS * GROUP_THREADS / WARP);
        }
        barriers_ready();
    }
    cluster_sync();
    if (own_thread() < GROUP_THREADS) {
        give_registers<PRODUCER_REGISTERS>();
        if (own_thread() == 0) {
            fetch_all(ring, &x, &weight, extent, ending);
        }
    } else {
        take_registers<CONSUMER_REGISTERS>();
        multiply_all(ring, extent, ending);
    }
    cluster_sync(); /* neither block ends while the other may still write or arrive in it */
#else
    asm volatile("trap;");
#endif
}

/* Makes a kernel's shared memory available to it; once for a device. */
template <typename Ending> assay_status prepare_product(const assay_exec *exec)
{
#ifndef ASSAY_EMULATED
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDA_TRY(exec, cudaFuncSetAttribute(multiply_tiles<Ending>,
                                              cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              static_cast<int>(SHARED_BYTES)));
#else
    (void)exec;
#endif
    return ASSAY_OK;
}

/* clusters: that run at a time. Nothing for no rows. */
template <typename Ending>
assay_status multiply_rows(const assay_exec *exec, const TileMap &x, const TileMap &weight,
                           const Extent &extent, int64_t clusters, const Ending &ending)
{
    const int64_t units = pairs_of(extent.rows) * tiles_of(extent.latents);
    const unsigned count = static_cast<unsigned>(least(units, clusters));
#ifdef ASSAY_EMULATED
    const Dimensions size = {dim3(count), dim3(CLUSTER * THREADS), 0};
#else
    const Dimensions size = {dim3(count * CLUSTER), dim3(THREADS), SHARED_BYTES};
#endif
    ASSAY_LAUNCH(exec, multiply_tiles<Ending>, size, x, weight, extent, ending);
    return ASSAY_OK;
}

/* Clusters that run at a time. The emulator has one multiprocessor, and gets some all the same, so
 * that units are shared among them. */
static assay_status count_clusters(const assay_exec *exec, int64_t *clusters)
{
#ifdef ASSAY_EMULATED
    constexpr int64_t fewest = 3;
#else
    constexpr int64_t fewest = 1;
#endif
    int multiprocessors = 0;
    ASSAY_CUDA_TRY(exec, cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount,
                                                exec->device.index));
    *clusters = multiprocessors / CLUSTER > fewest ? multiprocessors / CLUSTER : fewest;
    return ASSAY_OK;
}

/* kernels/fused/state.h's engine. */
struct Wgmma {
    typedef TileMap Map;

    int64_t clusters;

    static assay_status make_map(const assay_exec *exec, const char *what, const void *data,
                                 int64_t rows, int64_t columns, int64_t pitch, Map *map)
    {
        return assay_hopper::make_map(exec, what, data, rows, columns, pitch, map);
    }

    assay_status open(const assay_exec *exec) { return count_clusters(exec, &clusters); }

    template <typename Ending> static assay_status prepare(const assay_exec *exec)
    {
        return prepare_product<Ending>(exec);
    }

    template <typename Ending>
    assay_status multiply(const assay_exec *exec, const Map &x, const Map &weight,
                          const Extent &extent, const Ending &ending) const
    {
        return multiply_rows(exec, x, weight, extent, clusters, ending);
    }
};

} // namespace assay_hopper

#endif
