#include "fixtures/io/sha256.h"
#include "verify/scales.h"

/* Field by field: a struct's padding is no part of a contract. */
static void add_precision(assay_sha256 *hash, const assay_precision *p)
{
    const int64_t field[] = {(int64_t)p->storage,
                             (int64_t)p->multiply,
                             p->accumulate.bits,
                             (int64_t)p->accumulate.rounding,
                             p->accumulate.block,
                             (int64_t)p->intermediate,
                             (int64_t)p->output,
                             (int64_t)p->angle,
                             (int64_t)p->order,
                             (int64_t)p->flush,
                             p->quant_bits,
                             p->quant_group,
                             p->operand_scale};
    assay_sha256_add(hash, field, sizeof field);
}

void assay_contract_digest(const assay_table *table, char digest[65])
{
    assay_sha256 hash;
    assay_sha256_begin(&hash);
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        const assay_kernel *const kernel = table->kernel[op];
        const int64_t name[2] = {op, kernel != NULL};
        assay_sha256_add(&hash, name, sizeof name);
        if (kernel != NULL) {
            add_precision(&hash, &kernel->precision);
        }
    }
    assay_sha256_end(&hash, digest);
}
