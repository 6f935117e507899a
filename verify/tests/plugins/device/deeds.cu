/* Kernels of an emulated device, wrong in one way each, under names that say how. `right` is not,
 * and says so where it was not given what a device kernel is to be given. */
#include "kernels/cuda/contract.h"

/* The module's accelerator, of which one function is told of work that comes late. */
#define assay_plugin_accelerator module_accelerator
#include "kernels/cuda/accelerator.cu"
#undef assay_plugin_accelerator

using namespace assay_cuda;

namespace {

assay_add_io late; /* what is still to be written: as by a stream that nobody waits for */

__global__ void add_all(const float *a, const float *b, float *y, int64_t count)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += step) {
        y[i] = a[i] + b[i];
    }
}

__global__ void put(float *to, int64_t at, float value)
{
    if (threadIdx.x == 0) {
        to[at] = value;
    }
}

/* Not before so many launches of its process. */
__global__ void put_later(float *to, int64_t after)
{
    static int64_t launches = 0;
    if (threadIdx.x == 0 && ++launches > after) {
        to[int64_t(1) << 20] = 1.0f;
    }
}

__global__ void read(const float *from, int64_t at, float *to)
{
    if (threadIdx.x == 0) {
        *to = from[at];
    }
}

assay_status add(const assay_exec *exec, const assay_add_io *io)
{
    const int64_t count = assay_count(&io->y);
    ASSAY_LAUNCH(exec, add_all, (Dimensions{grid_stride(count), dim3(BLOCK), 0}),
                 static_cast<const float *>(io->a.data), static_cast<const float *>(io->b.data),
                 static_cast<float *>(io->y.data), count);
    return ASSAY_OK;
}

/* y, and then one number more: at element `at` of what begins at `to`. */
assay_status add_and_put(const assay_exec *exec, const assay_add_io *io, void *to, int64_t at)
{
    const assay_status status = add(exec, io);
    if (status == ASSAY_OK) {
        ASSAY_LAUNCH(exec, put, (Dimensions{dim3(1), dim3(1), 0}), static_cast<float *>(to), at,
                     1.0f);
    }
    return status;
}

#define DEED(name)                                                                                 \
    assay_status name(const assay_exec *exec, const assay_add_params *, const void *state,         \
                      const assay_add_io *io)

DEED(right)
{
    (void)state;
    const bool given = exec->device.space == ASSAY_CUDA && exec->device.compute >= 10 &&
                       exec->device.memory_bytes > 0 && exec->stream != nullptr &&
                       reinterpret_cast<uintptr_t>(exec->workspace) % 256 == 0 &&
                       exec->workspace_bytes >= 100 && io->a.space == ASSAY_CUDA &&
                       io->b.space == ASSAY_CUDA && io->y.space == ASSAY_CUDA;
    return given ? add(exec, io)
                 : assay_fail(exec->error, ASSAY_BAD_ARGUMENT, "not given what a device kernel is");
}

DEED(behind)
{
    (void)state;
    return add_and_put(exec, io, io->y.data, assay_count(&io->y));
}

DEED(before)
{
    (void)state;
    return add_and_put(exec, io, io->y.data, -1);
}

DEED(far_behind)
{
    (void)state;
    return add_and_put(exec, io, io->y.data, assay_count(&io->y) + 2000);
}

DEED(behind_input)
{
    (void)state;
    return add_and_put(exec, io, io->b.data, assay_count(&io->b));
}

DEED(input)
{
    (void)state;
    return add_and_put(exec, io, io->a.data, 3);
}

DEED(workspace)
{
    (void)state;
    return add_and_put(exec, io, exec->workspace, 25);
}

DEED(unwritten)
{
    (void)exec;
    (void)state;
    (void)io;
    return ASSAY_OK;
}

DEED(late_write)
{
    (void)state;
    late = *io;
    return add(exec, io);
}

DEED(illegal)
{
    (void)state;
    return add_and_put(exec, io, io->y.data, int64_t(1) << 40);
}

/* Its launch fails as well, but nobody asks. */
DEED(illegal_unreported)
{
    (void)illegal(exec, nullptr, state, io);
    return ASSAY_OK;
}

DEED(host_address)
{
    (void)state;
    static const float own[4] = {0.0f, 1.0f, 2.0f, 3.0f}; /* the module's, on the host */
    const assay_status status = add(exec, io);
    ASSAY_LAUNCH(exec, read, (Dimensions{dim3(1), dim3(1), 0}), &own[0], int64_t(0),
                 static_cast<float *>(io->y.data));
    return status;
}

/* A kernel's host code has no business in its operands. */
DEED(on_the_host)
{
    (void)exec;
    (void)state;
    for (int64_t i = 0; i < assay_count(&io->y); i++) {
        static_cast<float *>(io->y.data)[i] = static_cast<const float *>(io->a.data)[i] +
                                              static_cast<const float *>(io->b.data)[i];
    }
    return ASSAY_OK;
}

/* A call fails that is not checked. */
DEED(unchecked)
{
    (void)state;
    const assay_status status = add(exec, io);
    (void)cudaMemsetAsync(nullptr, 0, 4, stream_of(exec->stream));
    return status;
}

DEED(illegal_later)
{
    (void)state;
    const assay_status status = add(exec, io);
    if (status == ASSAY_OK) {
        ASSAY_LAUNCH(exec, put_later, (Dimensions{dim3(1), dim3(1), 0}),
                     static_cast<float *>(nullptr), int64_t{600});
    }
    return status;
}

assay_status prepare_illegally(const assay_exec *exec, const assay_add_params *, void **)
{
    ASSAY_LAUNCH(exec, put, (Dimensions{dim3(1), dim3(1), 0}), static_cast<float *>(nullptr),
                 int64_t(1) << 20, 1.0f);
    return ASSAY_OK;
}

void release_illegally(const assay_exec *exec, void *state)
{
    (void)launch("put", put, {dim3(1), dim3(1), 0}, exec, static_cast<float *>(nullptr),
                 int64_t(1) << 20, 1.0f);
    (void)state;
}

assay_status prepare_something(const assay_exec *, const assay_add_params *, void **state)
{
    static int something;
    *state = &something;
    return ASSAY_OK;
}

assay_status prepare_much(const assay_exec *exec, const assay_add_params *, void **state)
{
    ASSAY_CUDA_TRY(exec, cudaMalloc(state, size_t(1) << 50));
    return ASSAY_OK;
}

size_t some_workspace(const assay_add_params *, const assay_add_io *)
{
    return 100;
}

size_t all_workspace(const assay_add_params *, const assay_add_io *)
{
    return size_t(1) << 50;
}

/* rmsnorm whose kernel writes to its weight. */
assay_status spoil_weight(const assay_exec *exec, const assay_rmsnorm_params *params, const void *,
                          const assay_rmsnorm_io *io)
{
    (void)io;
    ASSAY_LAUNCH(exec, put, (Dimensions{dim3(1), dim3(1), 0}),
                 static_cast<float *>(params->weight.data), int64_t(2), 7.0f);
    return ASSAY_OK;
}

typedef assay_status add_run(const assay_exec *, const assay_add_params *, const void *,
                             const assay_add_io *);

assay_kernel make(const char *name, add_run *run)
{
    assay_kernel kernel = describe<float>(ASSAY_OP_add, "a deed", ASSAY_ORDER_SEQUENTIAL);
    kernel.name = name;
    kernel.run.add.run = run;
    kernel.run.add.workspace = some_workspace;
    return kernel;
}

assay_kernel prepared(const char *name, add_run *run,
                      assay_status (*prepare)(const assay_exec *, const assay_add_params *,
                                              void **),
                      void (*release)(const assay_exec *, void *))
{
    assay_kernel kernel = make(name, run);
    kernel.run.add.prepare = prepare;
    kernel.release = release;
    return kernel;
}

assay_kernel greedy()
{
    assay_kernel kernel = make("greedy", right);
    kernel.run.add.workspace = all_workspace;
    return kernel;
}

assay_kernel weight()
{
    assay_kernel kernel = describe<float>(ASSAY_OP_rmsnorm, "a deed", ASSAY_ORDER_SEQUENTIAL);
    kernel.name = "weight";
    kernel.run.rmsnorm.run = spoil_weight;
    return kernel;
}

assay_status wait_for_all(int32_t device, assay_error *error)
{
    if (late.y.data != nullptr) {
        const assay_exec exec = exec_of(device, error);
        const assay_add_io io = late;
        late = {};
        ASSAY_LAUNCH(&exec, put, (Dimensions{dim3(1), dim3(1), 0}),
                     static_cast<float *>(io.y.data), int64_t(0), 5.0f);
    }
    return synchronise_all(device, error);
}

const assay_accelerator *accelerator()
{
    static assay_accelerator own;
    own = *exported();
    own.synchronise_all = wait_for_all;
    return &own;
}

const assay_kernel kernels[] = {
    make("right", right),
    make("behind", behind),
    make("before", before),
    make("far-behind", far_behind),
    make("behind-input", behind_input),
    make("input", input),
    make("workspace", workspace),
    make("unwritten", unwritten),
    make("late-write", late_write),
    make("illegal", illegal),
    make("illegal-unreported", illegal_unreported),
    make("illegal-later", illegal_later),
    make("host-address", host_address),
    make("on-the-host", on_the_host),
    make("unchecked", unchecked),
    greedy(),
    prepared("greedy-prepare", right, prepare_much, nullptr),
    prepared("illegal-prepare", right, prepare_illegally, nullptr),
    prepared("illegal-release", right, prepare_something, release_illegally),
    weight(),
};

} // namespace

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    constexpr size_t all = sizeof kernels / sizeof kernels[0];
    static const assay_kernel *pointers[all];
    for (size_t i = 0; i < all; i++) {
        pointers[i] = &kernels[i];
    }
    *count = all;
    return pointers;
}

ASSAY_PLUGIN_ACCELERATOR(accelerator());
