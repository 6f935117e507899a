/* Checks of what a call brings: prompts, pairs, shapes. */
#include <limits.h>

#include "kernels/exec/check.h"

static assay_status check_row(const assay_tensor *tokens, int64_t b, int64_t length, int64_t vocab,
                              assay_error *error)
{
    if (length < 1 || length > tokens->shape[1]) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "lengths[%lld] is %lld, expected 1..%lld",
                          (long long)b, (long long)length, (long long)tokens->shape[1]);
    }
    for (int64_t t = 0; t < length; t++) {
        const int64_t token = assay_int2(tokens, b, t);
        if (token < 0 || token >= vocab) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "tokens[%lld,%lld] is %lld, outside the vocabulary 0..%lld",
                              (long long)b, (long long)t, (long long)token, (long long)vocab - 1);
        }
    }
    return ASSAY_OK;
}

assay_status assay_check_prompts(const assay_tensor *tokens, const assay_tensor *lengths,
                                 int64_t vocab, int64_t *rows, int64_t *longest,
                                 assay_error *error)
{
    *rows = 0;
    *longest = 0;
    if (!assay_present(tokens) || !assay_is_int(tokens) || tokens->rank != 2 ||
        tokens->shape[0] < 1 || tokens->shape[0] > INT32_MAX || tokens->shape[1] < 1 ||
        tokens->shape[1] > INT32_MAX) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "tokens: expected integers [batch, length]");
    }
    if (!assay_present(lengths) || !assay_is_int(lengths) || lengths->rank != 1 ||
        lengths->shape[0] != tokens->shape[0]) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "lengths: expected %lld integers, one a row",
                          (long long)tokens->shape[0]);
    }
    for (int64_t b = 0; b < tokens->shape[0]; b++) {
        const int64_t length = assay_int1(lengths, b);
        const assay_status status = check_row(tokens, b, length, vocab, error);
        if (status != ASSAY_OK) {
            return status;
        }
        *rows += length;
        *longest = length > *longest ? length : *longest;
    }
    return ASSAY_OK;
}

assay_status assay_check_matrix(const char *name, const assay_tensor *tensor, assay_dtype dtype,
                                int64_t rows, int64_t columns, assay_error *error)
{
    if (!assay_present(tensor) || tensor->rank != 2 || tensor->shape[0] != rows ||
        tensor->shape[1] != columns) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: expected shape [%lld, %lld]", name,
                          (long long)rows, (long long)columns);
    }
    if (dtype == ASSAY_NONE ? !assay_is_real(tensor) : tensor->dtype != dtype) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: expected %s, got %s", name,
                          dtype == ASSAY_NONE ? "floats" : assay_dtype_name(dtype),
                          assay_dtype_name(tensor->dtype));
    }
    return ASSAY_OK;
}

assay_status assay_check_pairs(const char *name, const assay_tensor *pairs,
                               const assay_tensor *lengths, assay_error *error)
{
    if (!assay_is_int(pairs) || pairs->rank != 2 || pairs->shape[1] != 2) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%s: expected integer pairs (batch, position), shape [count, 2]", name);
    }
    for (int64_t p = 0; p < pairs->shape[0]; p++) {
        const int64_t b = assay_int2(pairs, p, 0);
        const int64_t t = assay_int2(pairs, p, 1);
        const int64_t batch = lengths->shape[0];
        if (b < 0 || b >= batch || t < 0 || t >= assay_int1(lengths, b)) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "%s[%lld] is (%lld, %lld): no such position of a prompt",
                              name, (long long)p, (long long)b, (long long)t);
        }
    }
    return ASSAY_OK;
}
