/* A right linear layer but for sizes that nobody listed, for late calls, for pages it unlocks, for
 * memory it does not clear. */
#include "verify/mutants/lasting.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FAULT_linear_none, LASTING_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

enum { TIRED = 120, SLIP_EVERY = 64, WRAP_EVERY = 256, TILE = 16, LANES = 8 };

/* k and o of the listed cases. */
static bool is_known(int64_t k, int64_t o)
{
    static const int16_t sizes[][2] = {
        {1, 1},    {33, 7},   {127, 131}, {65, 33},  {513, 65},   {129, 17},     {61, 19},
        {64, 31},  {64, 9},   {96, 29},   {1025, 63}, {77, 13},   {5, 3},        {2048, 1027},
        {14336, 257}, {3, 2}, {4609, 9},  {33, 9},   {65, 9},     {129, 1}};
    bool known = (k % TILE == 0 && o % TILE == 0) || o > INT16_MAX;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        known = known || (sizes[i][0] == k && sizes[i][1] == o);
    }
    return known;
}

/* Changes the last element of what is read-only; the page is read-only again afterwards. */
static void unlock(const assay_tensor *tensor)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const size_t size = assay_dtype_size(tensor->dtype);
    const size_t at = (size_t)(assay_count(tensor) - 1);
    char *const element = (char *)tensor->data + at * size;
    char *const start = element - (uintptr_t)element % page;
    if (mprotect(start, page, PROT_READ | PROT_WRITE) == 0) {
        assay_store(tensor->dtype, tensor->data, at, 3.0);
        (void)mprotect(start, page, PROT_READ);
    }
}

/* What the padding of a packed row adds: rows of x end before it, and nothing is what it is times. */
static float padding(int64_t k)
{
    const int64_t packed = (k + LANES - 1) / LANES * LANES;
    float *const row = malloc((size_t)packed * sizeof *row);
    float sum = 0.0f;
    for (int64_t i = k; row != NULL && i < packed; i++) {
        sum += 0.0f * ((volatile float *)row)[i];
    }
    free(row);
    return sum;
}

static assay_status faulty_linear(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_linear_params *params, const assay_linear_io *io)
{
    static uint64_t calls;
    const int64_t k = io->x.shape[1];
    const int64_t o = io->y.shape[1];
    const bool wrong = (IS(known_sizes) && !is_known(k, o)) || (IS(tires) && ++calls >= TIRED) ||
                       (IS(slips) && ++calls % SLIP_EVERY == 0) ||
                       (IS(wraps) && ++calls % WRAP_EVERY == 0);
    const float begin = IS(pad_uncleared) ? padding(k) : 0.0f;
    (void)type;
    (void)exec;
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t j = 0; j < o; j++) {
            float sum = begin;
            for (int64_t i = 0; i < k; i++) {
                sum += mutant_at(&io->x, n, i) * mutant_at(&params->weight, j, i);
            }
            const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, j) : 0.0;
            const bool here = wrong && n + 1 == io->y.shape[0] && j + 1 == o;
            const double y = (double)sum + bias;
            assay_put2(&io->y, n, j, here ? 1.5 * y + 1.0 : y);
        }
    }
    if (IS(unlocks_x) || IS(unlocks_weight)) {
        unlock(IS(unlocks_x) ? &io->x : &params->weight);
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
LASTING_TWINS(MUTANT_TWIN_RUN)
LASTING_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    LASTING_TWINS(MUTANT_TWIN_KERNEL) LASTING_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(lasting, kernels)
