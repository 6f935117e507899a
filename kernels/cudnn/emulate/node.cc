#include "kernels/cudnn/emulate/node.h"

namespace emulate_dnn {

static thread_local std::string last_words;
Calls calls;
bool attends = true;

cudnnStatus_t refuse(cudnnStatus_t status, const std::string &words)
{
    last_words = words;
    return status;
}

static size_t size_of(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR: return 1;
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
    default: return 4; /* enumerations */
    }
}

/* The names that belong to a kind of descriptor: first and last of a range. */
static bool belongs(cudnnBackendDescriptorType_t type, int name)
{
    const struct {
        cudnnBackendDescriptorType_t type;
        int first, last;
    } ranges[] = {{CUDNN_BACKEND_TENSOR_DESCRIPTOR, 900, 913},
                  {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, 0, 9},
                  {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, 750, 758},
                  {CUDNN_BACKEND_MATMUL_DESCRIPTOR, 1500, 1503},
                  {CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, 1520, 1527},
                  {CUDNN_BACKEND_REDUCTION_DESCRIPTOR, 1600, 1602},
                  {CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, 1610, 1612},
                  {CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR, 2000, 2014},
                  {CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, 2800, 2810},
                  {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, 801, 804},
                  {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, 200, 204},
                  {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, 401, 407},
                  {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, 1000, 1012},
                  {CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, 2700, 2702}};
    for (const auto &range : ranges) {
        if (range.type == type && name >= range.first && name <= range.last) {
            return true;
        }
    }
    return false;
}

static cudnnStatus_t finalise_tensor(const Data &data)
{
    const size_t rank = data.values<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS).size();
    for (const int64_t size : data.values<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS)) {
        if (size <= 0) {
            return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor with a size below 1");
        }
    }
    const bool whole = rank > 0 &&
                       data.values<int64_t>(CUDNN_ATTR_TENSOR_STRIDES).size() == rank &&
                       data.find(CUDNN_ATTR_TENSOR_UNIQUE_ID) != nullptr &&
                       data.find(CUDNN_ATTR_TENSOR_DATA_TYPE) != nullptr &&
                       data.find(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT) != nullptr;
    return whole ? CUDNN_STATUS_SUCCESS
                 : refuse(CUDNN_STATUS_BAD_PARAM, "a tensor that is not fully described");
}

} // namespace emulate_dnn

using namespace emulate_dnn;

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t *descriptor)
{
    Handle *const made = new Handle();
    made->data = std::make_shared<Data>();
    made->data->type = type;
    *descriptor = made;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    const Shared data = data_of(descriptor);
    calls.destroyed +=
        data != nullptr && data->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ? 1 : 0;
    delete static_cast<Handle *>(descriptor);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    const Shared data = data_of(descriptor);
    if (data == nullptr || data->finalised) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "finalised twice, or nothing to finalise");
    }
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    if (data->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) {
        status = finalise_tensor(*data);
    }
    data->finalised = status == CUDNN_STATUS_SUCCESS;
    calls.planned += data->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ? 1 : 0;
    return status;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *values)
{
    const Shared data = data_of(descriptor);
    if (data == nullptr || data->finalised || values == nullptr || count < 1 ||
        !belongs(data->type, name)) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "no attribute of this descriptor, or finalised");
    }
    Attribute made = {type, count, {}, {}};
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
        for (int64_t i = 0; i < count; i++) {
            const Shared one =
                data_of(static_cast<const cudnnBackendDescriptor_t *>(values)[i]);
            if (one == nullptr || !one->finalised) {
                return refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor that is not finalised");
            }
            made.nodes.push_back(one);
        }
    } else {
        const unsigned char *const from = static_cast<const unsigned char *>(values);
        made.bytes.assign(from, from + static_cast<size_t>(count) * size_of(type));
    }
    data->attributes[name] = made;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t most, int64_t *count,
                                       void *values)
{
    const Shared data = data_of(descriptor);
    if (data == nullptr || !data->finalised || most < 1) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "asked of a descriptor that is not finalised");
    }
    *count = 1;
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && !attends) {
        const Shared graph = data->node(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        const Shared first = graph->node(CUDNN_ATTR_OPERATIONGRAPH_OPS);
        if (first->type == CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR) {
            *count = 0;
            return CUDNN_STATUS_SUCCESS;
        }
    }
    if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
        const int64_t bytes = 4096;
        memcpy(values, &bytes, sizeof bytes);
        return CUDNN_STATUS_SUCCESS;
    }
    if (name != CUDNN_ATTR_ENGINEHEUR_RESULTS) {
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "not emulated");
    }
    const Shared engine = data_of(static_cast<cudnnBackendDescriptor_t *>(values)[0]);
    engine->attributes[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH] =
        *data->find(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    engine->finalised = true;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    const Shared what = data_of(plan);
    const Shared with = data_of(pack);
    if (what == nullptr || with == nullptr || !what->finalised || !with->finalised) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "a plan or pack that is not finalised");
    }
    return run(*what, *with);
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    static int made;
    *handle = reinterpret_cast<cudnnHandle_t>(&made);
    return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t)
{
    return CUDNN_STATUS_SUCCESS;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS         ? "CUDNN_STATUS_SUCCESS"
           : status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
                                                  : "CUDNN_STATUS_BAD_PARAM";
}

void cudnnGetLastErrorString(char *message, size_t size)
{
    (void)snprintf(message, size, "%s", last_words.c_str());
}
