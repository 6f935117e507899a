/* A plan's operations, one after the other. */
#include "kernels/cudnn/emulate/tensor.h"

#include <cmath>

namespace emulate_dnn {

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
