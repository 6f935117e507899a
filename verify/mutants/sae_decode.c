/* Wrong decoders. */
#include "verify/mutants/sae_decode.h"

#include <math.h>

#include "kernels/scalar/sae.h"

enum { FAULT_sae_decode_none, SAE_DECODE_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_sae_decode_##name)

/* Element i of latent j's column. */
static float column(int fault, const assay_tensor *decoder, int64_t i, int64_t j)
{
    if (IS(transposed) && decoder->stride[1] == 1) {
        return (float)assay_load(decoder->dtype, decoder->data,
                                 (size_t)(j * decoder->shape[0] + i));
    }
    const float weight = mutant_at(decoder, i, j);
    return IS(f16_flushed) ? mutant_f16_flushed(decoder, weight) : weight;
}

static int64_t latent_of(int fault, const assay_sae *sae, const assay_csr *codes, int64_t e)
{
    const int64_t j = scalar_index(&codes->latent, e);
    return IS(index_16) ? j & 0xffff : IS(latent_plus_one) ? (j + 1) % sae->d_sae : j;
}

static bool same_entry(const assay_csr *codes, int64_t a, int64_t b)
{
    return scalar_index(&codes->latent, a) == scalar_index(&codes->latent, b) &&
           assay_at1(&codes->value, a) == assay_at1(&codes->value, b);
}

static bool small_value(const assay_csr *codes, int64_t begin, int64_t e)
{
    return fabs(assay_at1(&codes->value, e)) < 1e-5 * fabs(assay_at1(&codes->value, begin));
}

static float sum_row(int fault, const assay_sae *sae, const assay_sae_decode_io *io, int64_t n,
                     int64_t i)
{
    int64_t begin = (int64_t)assay_at1(&io->codes.row_offsets, n);
    int64_t end = (int64_t)assay_at1(&io->codes.row_offsets, n + 1);
    if (IS(empty_rows) && begin == end && n > 0) {
        begin = (int64_t)assay_at1(&io->codes.row_offsets, n - 1);
    }
    const int64_t before = begin - (end - begin);
    const int64_t all = (int64_t)assay_at1(&io->codes.row_offsets, io->y.shape[0]);
    const int64_t first = (int64_t)assay_at1(&io->codes.row_offsets, 1);
    if (IS(equal_counts) && first * io->y.shape[0] == all) {
        begin = n * first;
        end = begin + first;
    }
    if (IS(alike) && n > 0 && before == (int64_t)assay_at1(&io->codes.row_offsets, n - 1) &&
        end > begin && same_entry(&io->codes, before, begin) &&
        same_entry(&io->codes, begin - 1, end - 1)) {
        end = begin;
        begin = before;
    }
    begin -= IS(row_before) && begin > 0 ? 1 : 0;
    const bool whole = IS(whole_batch) && io->y.shape[0] % 64 == 0;
    end -= (IS(last_entry) || whole) && end > begin ? 1 : 0;
    const bool last = end > begin && n + 1 == io->y.shape[0];
    end = IS(end_of_room) && last ? io->codes.latent.shape[0] : end;
    end = IS(capacity_64)    ? scalar_min(end, begin + 64)
          : IS(capacity_512) ? scalar_min(end, begin + 512)
                             : end;
    float sum = 0.0f;
    for (int64_t e = begin; e < end; e++) {
        const int64_t j = latent_of(fault, sae, &io->codes, e);
        double scale = scalar_optional(&sae->decode_scale, j, 1.0);
        const bool negative = assay_at1(&io->codes.value, e) < 0.0;
        const bool again = e > 0 && scalar_index(&io->codes.latent, e - 1) == j;
        if ((scale == 0.0 && !IS(dead_column)) || (negative && IS(negative_dropped)) ||
            (again && IS(merged)) || (IS(small_dropped) && small_value(&io->codes, begin, e)) ||
            (assay_at1(&io->codes.value, e) == 0.0 && IS(zero_value))) {
            continue;
        }
        scale = IS(no_scale) ? 1.0 : IS(scale_twice) ? scale * scale : scale;
        float factor = (float)(assay_at1(&io->codes.value, e) * scale);
        factor = IS(value_bf16) ? scalar_rounded(ASSAY_BF16, factor) : factor;
        const float weight = column(fault, &sae->decoder, i, j);
        sum += IS(zeros_skipped) && weight == 0.0f ? 0.0f : factor * weight;
        sum = IS(accumulate_bf16) ? scalar_rounded(ASSAY_BF16, sum) : sum;
    }
    return sum;
}

static assay_status faulty_sae_decode(int fault, assay_dtype type, const assay_exec *exec,
                                      const assay_sae_decode_params *params,
                                      const assay_sae_decode_io *io)
{
    (void)type;
    (void)exec;
    const assay_sae *const sae = &params->sae;
    const int64_t rows = IS(row_limit) ? scalar_min(io->y.shape[0], 65536) : io->y.shape[0];
    for (int64_t n = 0; n < rows; n++) {
        scalar_moments row = {.mean = 0.0, .deviation = 1.0};
        const bool other = IS(norm_topk) && sae->activation != ASSAY_TOPK;
        if (sae->layer_norm && !other) {
            row = scalar_row_moments(&io->x, n);
            row.mean = IS(no_mean) ? 0.0 : row.mean;
            row.deviation = IS(no_deviation) ? 1.0 : row.deviation;
        }
        for (int64_t i = 0; i < sae->d_out; i++) {
            double bias = scalar_optional(&sae->decode_bias, i, 0.0);
            bias *= IS(no_bias) ? 0.0 : IS(bias_twice) ? 2.0 : 1.0;
            const bool last = n == rows - 1 && i == sae->d_out - 1;
            const bool bare = (IS(rows_7) && rows % 8 == 7 && n == rows - 1) ||
                              (IS(out_width) && sae->d_in != sae->d_out && last) ||
                              (IS(wide_last) && rows >= 16 && sae->d_out >= 1024 && last);
            double value = (bare ? 0.0 : (double)sum_row(fault, sae, io, n, i)) + bias;
            value = sae->layer_norm ? value * row.deviation + row.mean : value;
            if (IS(out_truncate)) {
                mutant_truncate(&io->y, n, i, (float)value);
            } else {
                assay_put2(&io->y, n, i, value);
            }
        }
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
SAE_DECODE_TWINS(MUTANT_TWIN_RUN)
SAE_DECODE_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    SAE_DECODE_TWINS(MUTANT_TWIN_KERNEL) SAE_DECODE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(sae_decode, kernels)
