/* sae_decode: a thread sums eight neighbours of a row over the listed latents, in the order listed.
 * A block lists so many entries in shared memory at a time, whose columns are then read without
 * waiting for one another: MANY of them are on their way before the first is added.
 *
 * A published decoder is [d_out, d_sae], so its columns are strided: prepare makes a transposed
 * copy in the stored type, and a decode reads only the columns listed, each as one piece. A decoder
 * that is a transposed view is used where it lies. */
#include "kernels/cuda/product.h"
#include "kernels/cuda/sae.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    int32_t device;
    cudaStream_t stream; /* of what was prepared */
    Matrix columns; /* [d_sae, d_out] */
    Matrix scale, bias;
};

struct Codes {
    Matrix row_offsets, latent, value;
};

enum { SQUARE = 32, SQUARE_ROWS = 8 };

/* Threads of a block: few, so that one row is shared by many multiprocessors. Entries that a block
 * lists at a time: each thread brings some. */
enum { DECODE_BLOCK = 64, LISTED = 4 * DECODE_BLOCK };

/* to[j, o] = from[o, j], through a tile, so that both sides are read and written along rows. */
template <typename Word>
__global__ void transpose(Matrix from, Word *to, int64_t d_out, int64_t d_sae)
{
    ASSAY_SHARED(Word, tile, SQUARE *(SQUARE + 1));
    const int64_t j_first = static_cast<int64_t>(blockIdx.x) * SQUARE;
    const int64_t o_first = static_cast<int64_t>(blockIdx.y) * SQUARE;
    const int across = static_cast<int>(threadIdx.x);
    for (int down = static_cast<int>(threadIdx.y); down < SQUARE; down += SQUARE_ROWS) {
        if (o_first + down < d_out && j_first + across < d_sae) {
            tile[across * (SQUARE + 1) + down] =
                *address<const Word>(from, o_first + down, j_first + across);
        }
    }
    __syncthreads();
    for (int down = static_cast<int>(threadIdx.y); down < SQUARE; down += SQUARE_ROWS) {
        if (j_first + down < d_sae && o_first + across < d_out) {
            to[(j_first + down) * d_out + o_first + across] =
                tile[down * (SQUARE + 1) + across];
        }
    }
}

/* Columns of a type that is in octets, and how many of them are on their way at a time; Any
 * (product.h): of whatever type and form, one at a time. */
template <typename Word> struct Columns {
    enum { MANY = 256 / (OCTET * sizeof(Word)) };

    static __device__ __forceinline__ void fetch(const Matrix &columns, int64_t j, int64_t at,
                                                 int64_t, float *x)
    {
        load_vector(address<const Word>(columns, j, at), x);
    }
};
template <> struct Columns<Any> {
    enum { MANY = 1 };

    static __device__ __forceinline__ void fetch(const Matrix &columns, int64_t j, int64_t at,
                                                 int64_t d_out, float *x)
    {
        load_octet(columns, j, at, d_out - at, x);
    }
};

/* An entry as it is added: f times the column of latent j. ~j: nothing is added, since a column
 * whose scale is zero may hold anything. */
struct Entry {
    int64_t j;
    float f;
};

__device__ __forceinline__ Entry entry_of(const Codes &codes, const Matrix &scale, int64_t e)
{
    const int64_t j = load_index(codes.latent, e);
    const double factor = element_or(scale, j, 1.0);
    const float f = static_cast<float>(load_wide(codes.value, 0, e) * factor);
    return factor == 0.0 ? Entry{~j, 0.0f} : Entry{j, f};
}

/* Entries first .. of a row, which ends at `end`, to a list of whole MANYs; those that are too many
 * repeat the last and add nothing. The block has read what was listed before. */
template <int MANY>
__device__ __forceinline__ int list_entries(const Codes &codes, const Matrix &scale, int64_t first,
                                            int64_t end, Entry *list)
{
    const int count = static_cast<int>(least(end - first, LISTED));
    const int whole = (count + MANY - 1) / MANY * MANY;
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < whole; i += DECODE_BLOCK) {
        const Entry own = entry_of(codes, scale, first + (i < count ? i : count - 1));
        list[i] = i < count || own.j < 0 ? own : Entry{~own.j, 0.0f};
    }
    __syncthreads();
    return whole;
}

template <typename T, typename Word>
__global__ void __launch_bounds__(DECODE_BLOCK)
    decode(Codes codes, Matrix columns, Matrix scale, Matrix bias, Matrix x, Matrix y,
           int64_t d_out, int64_t d_in, bool layer_norm)
{
    constexpr int MANY = Columns<Word>::MANY;
    static_assert(LISTED % MANY == 0, "a list is read MANY at a time");
    ASSAY_SHARED(Entry, list, LISTED);
    const int64_t row = blockIdx.x;
    Moments moments = {0.0, 1.0};
    if (layer_norm) {
        moments = row_moments(x, row, d_in);
    }
    const int64_t begin = load_index(codes.row_offsets, row);
    const int64_t end = load_index(codes.row_offsets, row + 1);
    const int64_t width = DECODE_BLOCK * OCTET;
    for (int64_t slice = blockIdx.y * width; slice < d_out; slice += gridDim.y * width) {
        const int64_t at = slice + threadIdx.x * OCTET;
        const int64_t from = at < d_out ? at : slice; /* beyond the row: read, and not written */
        float sum[OCTET] = {};
        for (int64_t first = begin; first < end; first += LISTED) {
            const int count = list_entries<MANY>(codes, scale, first, end, list);
            for (int e = 0; e < count; e += MANY) {
                float column[MANY][OCTET];
#pragma unroll
                for (int u = 0; u < MANY; u++) {
                    const int64_t j = list[e + u].j;
                    Columns<Word>::fetch(columns, j < 0 ? ~j : j, from, d_out, column[u]);
                }
#pragma unroll
                for (int u = 0; u < MANY; u++) {
                    const Entry own = list[e + u];
#pragma unroll
                    for (int i = 0; i < OCTET; i++) {
                        sum[i] += own.f * (own.j < 0 ? 0.0f : column[u][i]);
                    }
                }
            }
        }
        for (int i = 0; i < OCTET && at + i < d_out; i++) {
            const double value = static_cast<double>(sum[i]) + element_or(bias, at + i, 0.0);
            narrow(layer_norm ? value * moments.deviation + moments.mean : value,
                   address<T>(y, row, at + i));
        }
    }
}

template <typename Word>
assay_status transpose_decoder(const assay_exec *exec, const assay_sae &sae, State *own)
{
    void *packed = nullptr;
    const size_t bytes = static_cast<size_t>(sae.d_out * sae.d_sae) * sizeof(Word);
    const assay_status status = reserve(exec, bytes, &own->uploads, &packed);
    if (status != ASSAY_OK) {
        return status;
    }
    own->columns = {packed, sae.d_out, 1, sae.decoder.dtype};
    const Dimensions size = {dim3(static_cast<unsigned>(blocks_for(sae.d_sae, SQUARE)),
                                  static_cast<unsigned>(blocks_for(sae.d_out, SQUARE))),
                             dim3(SQUARE, SQUARE_ROWS), 0};
    ASSAY_LAUNCH(exec, transpose<Word>, size, matrix_of(sae.decoder), static_cast<Word *>(packed),
                 sae.d_out, sae.d_sae);
    ASSAY_CUDA_TRY(exec, cudaStreamSynchronize(static_cast<cudaStream_t>(exec->stream)));
    return ASSAY_OK;
}

assay_status take_decoder(const assay_exec *exec, const assay_sae &sae, State *own)
{
    const Operand others[] = {{"decoder", &sae.decoder}};
    const assay_status status = expect(exec, ASSAY_NONE, nullptr, 0, others, 1);
    const Matrix stored = matrix_of(sae.decoder);
    if (status != ASSAY_OK) {
        return status;
    }
    if (stored.row == 1 || sae.d_out == 1) {
        own->columns = {stored.data, stored.column, stored.row, stored.dtype};
        return ASSAY_OK;
    }
    switch (assay_dtype_size(sae.decoder.dtype)) {
    case 2: return transpose_decoder<uint16_t>(exec, sae, own);
    case 4: return transpose_decoder<uint32_t>(exec, sae, own);
    default: return transpose_decoder<uint64_t>(exec, sae, own);
    }
}

assay_status prepare(const assay_exec *exec, const assay_sae_decode_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_decode: no memory");
    }
    const assay_sae &sae = params->sae;
    own->device = exec->device.index;
    own->stream = static_cast<cudaStream_t>(exec->stream);
    assay_status status =
        upload(exec, "decode_scale", sae.decode_scale, true, &own->uploads, &own->scale);
    status = status != ASSAY_OK
                 ? status
                 : upload(exec, "decode_bias", sae.decode_bias, true, &own->uploads, &own->bias);
    status = status != ASSAY_OK ? status : take_decoder(exec, sae, own);
    return settle(exec, status, own, release_state<State>, state);
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_sae_decode_params *params, const void *state,
                 const assay_sae_decode_io *io)
{
    const Operand typed[] = {{"y", &io->y}};
    const Operand others[] = {{"row_offsets", &io->codes.row_offsets},
                              {"latent", &io->codes.latent},
                              {"value", &io->codes.value},
                              {"x", &io->x}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const State *const own = static_cast<const State *>(state);
    const assay_sae &sae = params->sae;
    const Codes codes = {matrix_of(io->codes.row_offsets), matrix_of(io->codes.latent),
                         matrix_of(io->codes.value)};
    const bool octets = sae.d_out % OCTET == 0;
    const auto kernel = octets && is_in_octets(own->columns, ASSAY_BF16) ? decode<T, Bf16>
                        : octets && is_in_octets(own->columns, ASSAY_F32) ? decode<T, float>
                                                                          : decode<T, Any>;
    const int64_t across = least(blocks_for(sae.d_out, DECODE_BLOCK * OCTET), GRID_ROWS_MOST);
    const Dimensions size = {dim3(static_cast<unsigned>(io->y.shape[0]),
                                  static_cast<unsigned>(across)),
                             dim3(DECODE_BLOCK), 0};
    ASSAY_LAUNCH(exec, kernel, size, codes, own->columns, own->scale, own->bias,
                 matrix_of(io->x), matrix_of(io->y), sae.d_out, sae.d_in, sae.layer_norm);
    return ASSAY_OK;
}

/* One run reads each listed column once, and at most the whole decoder. How many are listed stands
 * on the device; this is never called within a run. */
uint64_t bytes_read(const assay_sae_decode_params *params, const void *state,
                    const assay_sae_decode_io *io)
{
    const State &own = *static_cast<const State *>(state);
    assay_exec exec = {};
    exec.device.index = own.device;
    const Matrix offsets = matrix_of(io->codes.row_offsets);
    int64_t listed = 0;
    const int64_t *const last =
        static_cast<const int64_t *>(offsets.data) + io->y.shape[0] * offsets.column;
    if (use_device(&exec) != cudaSuccess ||
        cudaMemcpyAsync(&listed, last, sizeof listed, cudaMemcpyDeviceToHost, own.stream) !=
            cudaSuccess ||
        cudaStreamSynchronize(own.stream) != cudaSuccess) {
        return 0;
    }
    return static_cast<uint64_t>(least(listed, params->sae.d_sae) * params->sae.d_out) *
           assay_dtype_size(params->sae.decoder.dtype);
}

assay_status supports(const assay_device *device, const assay_sae_decode_params *params,
                      const assay_sae_decode_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
    return status != ASSAY_OK ? status : weight_served("decoder", params->sae.decoder, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_sae_decode, "the listed columns only, from a transposed copy",
                    ASSAY_ORDER_SEQUENTIAL);
    kernel.run.sae_decode.supports = supports;
    kernel.run.sae_decode.prepare = prepare;
    kernel.run.sae_decode.run = run<T>;
    kernel.run.sae_decode.bytes_read = bytes_read;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sae_decode)

} // namespace assay_cuda
