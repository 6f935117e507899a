#include "verify/exact_quantum.h"

#include <math.h>

#include "ref/rounding.h"
#include "verify/buffer.h"

enum {
    LEAST_EXPONENT = -20,
    MOST_EXPONENT = 60,
    WORDS = 1 << 16,
    WORDS_FROM = 1 << 18, /* elements from which the words that occur are fewer to look at */
    PARALLEL_FROM = 1 << 15
};

/* The greatest power of two that divides value (finite, not 0), as an exponent. */
static int lowest_bit(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff);
    const uint64_t hidden = exponent > 0 ? (uint64_t)1 << 52 : 0;
    const uint64_t digits = (bits & (((uint64_t)1 << 52) - 1)) | hidden;
    return (exponent > 0 ? exponent : 1) - 1075 + __builtin_ctzll(digits);
}

/* What an element must be: a number of these types (NONE where any of its own type is). */
typedef struct passage {
    assay_dtype multiply, storage;
} passage;

static assay_dtype that_rounds(assay_dtype from, assay_dtype to)
{
    return assay_dtype_bits(to) == 0 || ref_fits(from, to) ? ASSAY_NONE : to;
}

static bool is_number_of(assay_dtype type, double value)
{
    return type == ASSAY_NONE || assay_round_to(type, value) == value;
}

/* Lowers *least to the element's lowest bit; false when it is none of an exact case. */
static bool look(const passage *through, double value, int *least)
{
    if (value == 0.0) {
        return true;
    }
    const int bit = isfinite(value) ? lowest_bit(value) : LEAST_EXPONENT - 1;
    *least = bit < *least ? bit : *least;
    return bit >= LEAST_EXPONENT && is_number_of(through->multiply, value) &&
           is_number_of(through->storage, value);
}

/* A 16-bit type has 65,536 words: which of them occur is soon found, and each is looked at once. */
static bool look_at_words(const assay_tensor *tensor, const passage *through, int *least)
{
    const uint16_t *const word = tensor->data;
    const int64_t count = assay_count(tensor);
    uint8_t seen[WORDS] = {0};
#pragma omp parallel
    {
        uint8_t own[WORDS] = {0};
#pragma omp for schedule(static)
        for (int64_t i = 0; i < count; i++) {
            own[word[i]] = 1;
        }
#pragma omp critical(assay_quantum_words)
        for (int w = 0; w < WORDS; w++) {
            seen[w] |= own[w];
        }
    }
    bool exact = true;
    for (int w = 0; w < WORDS && exact; w++) {
        const uint16_t one[4] = {(uint16_t)w}; /* as wide as any type that is loaded */
        exact = seen[w] == 0 || look(through, assay_load(tensor->dtype, one, 0), least);
    }
    return exact;
}

static bool look_at_elements(const assay_tensor *tensor, const passage *through, int *least)
{
    const int64_t count = assay_count(tensor);
    const bool dense = assay_is_dense(tensor);
    bool exact = true;
    int lowest = *least;
#pragma omp parallel for schedule(static) reduction(min : lowest) reduction(&& : exact)            \
    if (count >= PARALLEL_FROM)
    for (int64_t i = 0; i < count; i++) {
        if (exact) {
            exact = look(through, dense ? assay_load(tensor->dtype, tensor->data, (size_t)i)
                                        : assay_buffer_get(tensor, i), &lowest);
        }
    }
    *least = lowest;
    return exact;
}

void assay_quantum_multiply(assay_quantum *q, const assay_tensor *tensor,
                            const assay_precision *contract, assay_dtype storage)
{
    if (!q->exact || !assay_present(tensor)) {
        return;
    }
    const passage through = {that_rounds(tensor->dtype, contract->multiply),
                             that_rounds(tensor->dtype, storage)};
    const bool words = assay_dtype_size(tensor->dtype) == 2 && assay_is_dense(tensor) &&
                       assay_count(tensor) >= WORDS_FROM;
    int least = MOST_EXPONENT;
    q->exact = words ? look_at_words(tensor, &through, &least)
                     : look_at_elements(tensor, &through, &least);
    q->exponent += least;
}

void assay_quantum_add(assay_quantum *q, const assay_tensor *tensor,
                       const assay_precision *contract)
{
    assay_quantum own = {0, q->exact};
    assay_quantum_multiply(&own, tensor, contract, ASSAY_NONE);
    q->exact = own.exact;
    if (assay_present(tensor) && own.exponent < q->exponent) {
        q->exponent = own.exponent;
    }
}
