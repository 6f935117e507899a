/* A plan's operations, one after the other. Tensors between them are kept whole, in f32. */
#include "kernels/cudnn/emulate/node.h"

#include <array>
#include <cmath>

#include "assay/dtype.h"
#include "kernels/cuda/emulate/core.h"

namespace emulate_dnn {

typedef std::array<int64_t, 4> Place;

/* A tensor of a run, of rank 4: leading sizes of 1 before those it has. */
struct Tensor {
    Place size, stride;
    cudnnDataType_t type;
    bool is_virtual, by_value;
    int64_t id;
    void *memory;               /* of a caller's */
    const int32_t *offset;      /* ragged: where the first axis' entries begin */
    std::vector<float> *values; /* of a virtual one */
};

struct Run {
    std::map<int64_t, void *> memory;
    std::map<int64_t, std::vector<float>> between;
};

static int64_t count_of(const Place &size)
{
    return size[0] * size[1] * size[2] * size[3];
}

static Tensor tensor_of(const Data &data, Run *run)
{
    Tensor t = {{1, 1, 1, 1}, {0, 0, 0, 0}, {}, false, false, 0, nullptr, nullptr, nullptr};
    const std::vector<int64_t> size = data.values<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
    const std::vector<int64_t> stride = data.values<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    for (size_t i = 0; i < size.size() && i < 4; i++) {
        t.size[4 - size.size() + i] = size[i];
        t.stride[4 - size.size() + i] = stride[i];
    }
    t.type = data.value<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
    t.is_virtual = data.value<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, false);
    t.by_value = data.value<bool>(CUDNN_ATTR_TENSOR_IS_BY_VALUE, false);
    t.id = data.value<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
    if (t.is_virtual) {
        t.values = &run->between[t.id];
        t.values->resize(static_cast<size_t>(count_of(t.size)), 0.0f);
    } else {
        t.memory = run->memory.count(t.id) != 0 ? run->memory[t.id] : nullptr;
    }
    const Shared ragged = data.node(CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC);
    if (ragged != nullptr) {
        const int64_t id = ragged->value<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
        t.offset = static_cast<const int32_t *>(run->memory[id]);
    }
    return t;
}

/* Whether it is there, and where it should lie. */
static bool is_bound(const Tensor &t)
{
    const uintptr_t alignment = t.by_value ? alignof(float) : 16;
    return t.is_virtual ||
           (t.memory != nullptr && reinterpret_cast<uintptr_t>(t.memory) % alignment == 0);
}

/* An axis of size 1 is read at 0 wherever it is asked. */
static int64_t index_of(const Tensor &t, const Place &at)
{
    int64_t index = t.offset != nullptr ? t.offset[at[0]] : 0;
    for (size_t axis = t.offset != nullptr ? 1 : 0; axis < 4; axis++) {
        index += t.size[axis] == 1 ? 0 : at[axis] * t.stride[axis];
    }
    return index;
}

static float load(const Tensor &t, const Place &at)
{
    const size_t i = static_cast<size_t>(index_of(t, at));
    if (t.is_virtual) {
        return (*t.values)[i];
    }
    switch (t.type) {
    case CUDNN_DATA_BFLOAT16: return assay_bf16_to_f32(static_cast<uint16_t *>(t.memory)[i]);
    case CUDNN_DATA_HALF: return assay_f16_to_f32(static_cast<uint16_t *>(t.memory)[i]);
    case CUDNN_DATA_INT32: return static_cast<float>(static_cast<int32_t *>(t.memory)[i]);
    default: return static_cast<float *>(t.memory)[i];
    }
}

static void store(const Tensor &t, const Place &at, float value)
{
    const size_t i = static_cast<size_t>(index_of(t, at));
    const uint16_t bf16 = assay_f32_to_bf16(value);
    const uint16_t f16 = assay_f32_to_f16(value);
    if (t.is_virtual) {
        (*t.values)[i] = t.type == CUDNN_DATA_BFLOAT16 ? assay_bf16_to_f32(bf16)
                         : t.type == CUDNN_DATA_HALF   ? assay_f16_to_f32(f16)
                                                       : value;
    } else if (t.type == CUDNN_DATA_BFLOAT16) {
        static_cast<uint16_t *>(t.memory)[i] = bf16;
    } else if (t.type == CUDNN_DATA_HALF) {
        static_cast<uint16_t *>(t.memory)[i] = f16;
    } else {
        static_cast<float *>(t.memory)[i] = value;
    }
}

template <typename Each> static void for_all(const Place &size, Each each)
{
    Place at;
    for (at[0] = 0; at[0] < size[0]; at[0]++) {
        for (at[1] = 0; at[1] < size[1]; at[1]++) {
            for (at[2] = 0; at[2] < size[2]; at[2]++) {
                for (at[3] = 0; at[3] < size[3]; at[3]++) {
                    each(at);
                }
            }
        }
    }
}

static bool goes_with(const Tensor &small, const Place &size)
{
    for (size_t axis = 0; axis < 4; axis++) {
        if (small.size[axis] != 1 && small.size[axis] != size[axis]) {
            return false;
        }
    }
    return true;
}

static bool compute(cudnnPointwiseMode_t mode, float x, float b, float t, float *y)
{
    switch (mode) {
    case CUDNN_POINTWISE_ADD: *y = x + b; return true;
    case CUDNN_POINTWISE_SUB: *y = x - b; return true;
    case CUDNN_POINTWISE_MUL: *y = x * b; return true;
    case CUDNN_POINTWISE_DIV: *y = x / b; return true;
    case CUDNN_POINTWISE_EXP: *y = std::exp(x); return true;
    case CUDNN_POINTWISE_CMP_LT: *y = x < b ? 1.0f : 0.0f; return true;
    case CUDNN_POINTWISE_CMP_GE: *y = x >= b ? 1.0f : 0.0f; return true;
    case CUDNN_POINTWISE_LOGICAL_AND: *y = x != 0.0f && b != 0.0f ? 1.0f : 0.0f; return true;
    case CUDNN_POINTWISE_BINARY_SELECT: *y = t != 0.0f ? x : b; return true;
    default: return false;
    }
}

static cudnnStatus_t run_pointwise(const Data &operation, Run *run)
{
    const Shared how = operation.node(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const Shared nodes[] = {operation.node(CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
                            operation.node(CUDNN_ATTR_OPERATION_POINTWISE_BDESC),
                            operation.node(CUDNN_ATTR_OPERATION_POINTWISE_TDESC)};
    const Tensor y = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_POINTWISE_YDESC), run);
    Tensor in[3] = {};
    for (int i = 0; i < 3; i++) {
        if (nodes[i] != nullptr) {
            in[i] = tensor_of(*nodes[i], run);
            if (!is_bound(in[i]) || !goes_with(in[i], y.size)) {
                return refuse(CUDNN_STATUS_BAD_PARAM, "a pointwise operand");
            }
        }
    }
    const auto mode = how->value<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE,
                                                       CUDNN_POINTWISE_IDENTITY);
    const int64_t axis = how->value<int64_t>(CUDNN_ATTR_POINTWISE_AXIS, -1);
    bool known = is_bound(y);
    for_all(y.size, [&](const Place &at) {
        float value = 0.0f;
        if (mode == CUDNN_POINTWISE_GEN_INDEX) {
            value = static_cast<float>(at[static_cast<size_t>(axis)]);
        } else {
            known = known && compute(mode, load(in[0], at),
                                     nodes[1] != nullptr ? load(in[1], at) : 0.0f,
                                     nodes[2] != nullptr ? load(in[2], at) : 0.0f, &value);
        }
        if (known) {
            store(y, at, value);
        }
    });
    return known ? CUDNN_STATUS_SUCCESS
                 : refuse(CUDNN_STATUS_NOT_SUPPORTED, "a pointwise mode that is not emulated");
}

/* Of one batch; the size where nothing stands for it. */
static int64_t length(const Data &operation, int name, int64_t batch, int64_t size, Run *run)
{
    const Shared node = operation.node(name);
    return node != nullptr
               ? static_cast<int64_t>(load(tensor_of(*node, run), {batch, 0, 0, 0}))
               : size;
}

static cudnnStatus_t run_matmul(const Data &operation, Run *run)
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

static cudnnStatus_t run_attend(const Data &operation, Run *run)
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

static cudnnStatus_t run_reduction(const Data &operation, Run *run)
{
    const Shared how = operation.node(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
    const Tensor x = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_REDUCTION_XDESC), run);
    const Tensor y = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_REDUCTION_YDESC), run);
    const auto mode =
        how->value<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD);
    const bool sums = mode == CUDNN_REDUCE_TENSOR_ADD;
    if ((!sums && mode != CUDNN_REDUCE_TENSOR_MAX) || y.size[3] != 1) {
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a reduction that is not emulated");
    }
    for_all(y.size, [&](const Place &at) {
        float total = sums ? 0.0f : -INFINITY;
        for (int64_t i = 0; i < x.size[3]; i++) {
            const float value = load(x, {at[0], at[1], at[2], i});
            total = sums ? total + value : std::fmax(total, value);
        }
        store(y, at, total);
    });
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t run_norm(const Data &operation, Run *run)
{
    const Tensor x = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC), run);
    const Tensor w = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC), run);
    const Tensor e = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC), run);
    const Tensor y = tensor_of(*operation.node(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC), run);
    if (!is_bound(x) || !is_bound(w) || !is_bound(e) || !is_bound(y) || w.size[1] != x.size[1]) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "operands of a norm");
    }
    const int64_t d = x.size[1];
    for (int64_t n = 0; n < x.size[0]; n++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < d; i++) {
            const float value = load(x, {n, i, 0, 0});
            sum += value * value;
        }
        const float inverse =
            1.0f / std::sqrt(sum / static_cast<float>(d) + load(e, {0, 0, 0, 0}));
        for (int64_t i = 0; i < d; i++) {
            const float value = load(x, {n, i, 0, 0}) * inverse * load(w, {0, i, 0, 0});
            store(y, {n, i, 0, 0}, value);
        }
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t run(const Data &plan, const Data &pack)
{
    Run state;
    const std::vector<int64_t> ids = pack.values<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const std::vector<void *> memory =
        pack.values<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    for (size_t i = 0; i < ids.size() && i < memory.size(); i++) {
        state.memory[ids[i]] = memory[i];
    }
    const Shared engine = plan.node(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    const Shared graph = engine->node(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    const Attribute *const operations = graph->find(CUDNN_ATTR_OPERATIONGRAPH_OPS);
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    for (size_t i = 0; status == CUDNN_STATUS_SUCCESS && i < operations->nodes.size(); i++) {
        const Data &one = *operations->nodes[i];
        switch (one.type) {
        case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR: status = run_matmul(one, &state); break;
        case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
            status = run_pointwise(one, &state);
            break;
        case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
            status = run_reduction(one, &state);
            break;
        case CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR: status = run_attend(one, &state); break;
        case CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR:
            status = run_norm(one, &state);
            break;
        default: status = refuse(CUDNN_STATUS_NOT_SUPPORTED, "not emulated"); break;
        }
    }
    return status;
}

} // namespace emulate_dnn
