#include "kernels/cudnn/emulate/tensor.h"

#include <cmath>

#include "assay/dtype.h"
#include "kernels/cuda/emulate/core.h"

namespace emulate_dnn {

/* Of one batch; the size where nothing stands for it. */
static int64_t length(const Data &operation, int name, int64_t batch, int64_t size, Run *run)
{
    const Shared node = operation.node(name);
    return node != nullptr
               ? static_cast<int64_t>(load(tensor_of(*node, run), {batch, 0, 0, 0}))
               : size;
}

cudnnStatus_t run_matmul(const Data &operation, Run *run)
{
    const Tensor a = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_MATMUL_ADESC), run);
    const Tensor b = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_MATMUL_BDESC), run);
    const Tensor c = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_MATMUL_CDESC), run);
    const bool meet = a.size[3] == b.size[2] && a.size[2] == c.size[2] && b.size[3] == c.size[3];
    if (!is_bound(a) || !is_bound(b) || !is_bound(c) || !meet || a.size[1] % b.size[1] != 0) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "operands of a product");
    }
    const int64_t group = a.size[1] / b.size[1];
    std::vector<float> row(static_cast<size_t>(a.size[3]));
    std::vector<float> column(row);
    for (int64_t batch = 0; batch < c.size[0]; batch++) {
        const int64_t m = length(operation, CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC,
                                 batch, c.size[2], run);
        const int64_t n = length(operation, CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC,
                                 batch, c.size[3], run);
        const int64_t k = length(operation, CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC,
                                 batch, a.size[3], run);
        for (int64_t head = 0; head < c.size[1]; head++) {
            for (int64_t j = 0; j < n; j++) {
                for (int64_t l = 0; l < k; l++) {
                    column[static_cast<size_t>(l)] = load(b, {batch, head / group, l, j});
                }
                for (int64_t i = 0; i < m; i++) {
                    for (int64_t l = 0; l < k; l++) {
                        row[static_cast<size_t>(l)] = load(a, {batch, head, i, l});
                    }
                    store(c, {batch, head, i, j},
                          emulate::sum_by_core(row.data(), column.data(),
                                               static_cast<uint64_t>(k), emulate::CORE_16_BIT));
                }
            }
        }
    }
    return CUDNN_STATUS_SUCCESS;
}

/* One query's row of o, as fused attention takes it: weights of the operands' type, not divided by
 * their sum before they are multiplied. */
static void attend_row(const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &o,
                       float scale, const Place &at, int64_t page, int64_t keys)
{
    const int64_t kv_head = at[1] / (q.size[1] / k.size[1]);
    const uint64_t depth = static_cast<uint64_t>(q.size[3]);
    std::vector<float> query(depth), key(depth);
    std::vector<float> weight(static_cast<size_t>(keys)), value(weight);
    float top = -INFINITY;
    for (uint64_t i = 0; i < depth; i++) {
        query[i] = load(q, {at[0], at[1], at[2], static_cast<int64_t>(i)});
    }
    for (int64_t t = 0; t < keys; t++) {
        for (uint64_t i = 0; i < depth; i++) {
            key[i] = load(k, {page, kv_head, t, static_cast<int64_t>(i)});
        }
        weight[static_cast<size_t>(t)] =
            scale * emulate::sum_by_core(query.data(), key.data(), depth, emulate::CORE_16_BIT);
        top = std::fmax(top, weight[static_cast<size_t>(t)]);
    }
    float sum = 0.0f;
    for (float &one : weight) {
        one = std::exp(one - top);
        sum += one;
        one = q.type == CUDNN_DATA_HALF ? assay_f16_to_f32(assay_f32_to_f16(one))
                                        : assay_bf16_to_f32(assay_f32_to_bf16(one));
    }
    for (int64_t i = 0; i < o.size[3]; i++) {
        for (int64_t t = 0; t < keys; t++) {
            value[static_cast<size_t>(t)] = load(v, {page, kv_head, t, i});
        }
        const float total = emulate::sum_by_core(weight.data(), value.data(),
                                                 static_cast<uint64_t>(keys),
                                                 emulate::CORE_16_BIT);
        store(o, {at[0], at[1], at[2], i}, total / sum);
    }
}

cudnnStatus_t run_attend(const Data &operation, Run *run)
{
    const Tensor q = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC), run);
    const Tensor k = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC), run);
    const Tensor v = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC), run);
    const Tensor o = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC), run);
    const Tensor s = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC), run);
    const Shared table = operation.node(CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_KDESC);
    const bool meet = q.size[3] == k.size[3] && k.size == v.size && q.size == o.size &&
                      q.size[1] % k.size[1] == 0 &&
                      (table != nullptr || k.size[0] == q.size[0]);
    if (!is_bound(q) || !is_bound(k) || !is_bound(v) || !is_bound(o) || !is_bound(s) || !meet) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "operands of attention");
    }
    calls.attended++;
    for (int64_t batch = 0; batch < q.size[0]; batch++) {
        const int64_t rows = length(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_QDESC, batch,
                                    q.size[2], run);
        const int64_t keys = length(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_KVDESC,
                                    batch, k.size[2], run);
        const int64_t page = length(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_KDESC,
                                    batch, batch, run);
        if (keys > k.size[2] || page < 0 || page >= k.size[0] || rows > q.size[2]) {
            return refuse(CUDNN_STATUS_BAD_PARAM, "lengths of attention");
        }
        for (int64_t head = 0; head < q.size[1]; head++) {
            for (int64_t row = 0; row < rows; row++) {
                attend_row(q, k, v, o, load(s, {0, 0, 0, 0}), {batch, head, row, 0}, page, keys);
            }
        }
    }
    return CUDNN_STATUS_SUCCESS;
}

} // namespace emulate_dnn
