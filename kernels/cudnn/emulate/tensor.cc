#include "kernels/cudnn/emulate/tensor.h"

#include "assay/dtype.h"

namespace emulate_dnn {

static int64_t count_of(const Place &size)
{
    return size[0] * size[1] * size[2] * size[3];
}

Tensor tensor_of(const Data &data, Run *run)
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

bool is_bound(const Tensor &t)
{
    const uintptr_t alignment = t.by_value ? alignof(float) : 16;
    return t.is_virtual ||
           (t.memory != nullptr && reinterpret_cast<uintptr_t>(t.memory) % alignment == 0);
}

static int64_t index_of(const Tensor &t, const Place &at)
{
    int64_t index = t.offset != nullptr ? t.offset[at[0]] : 0;
    for (size_t axis = t.offset != nullptr ? 1 : 0; axis < 4; axis++) {
        index += t.size[axis] == 1 ? 0 : at[axis] * t.stride[axis];
    }
    return index;
}

float load(const Tensor &t, const Place &at)
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

void store(const Tensor &t, const Place &at, float value)
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

} // namespace emulate_dnn
