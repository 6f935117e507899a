/* cuDNN's backend on the CPU, as far as this module uses it: descriptors keep the attributes they
 * are given, and a plan computes its operations one after the other, in f32, products as tensor
 * cores add them. What graphs mean is judged so, not how cuDNN's engines compute them: fused
 * attention rounds elsewhere and skips what is masked.
 *
 * Refused, with cuDNN's status: what is not finalised, attributes that the descriptor does not have
 * or of another type, operands of a run that are missing or lie off their alignment, sizes that do
 * not go together, modes that are not emulated. */
#ifndef KERNELS_CUDNN_EMULATE_NODE_H
#define KERNELS_CUDNN_EMULATE_NODE_H

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <cudnn_graph.h>

namespace emulate_dnn {

struct Data;
typedef std::shared_ptr<Data> Shared;

struct Attribute {
    cudnnBackendAttributeType_t type;
    int64_t count;
    std::vector<unsigned char> bytes;
    std::vector<Shared> nodes; /* instead, of descriptors */
};

struct Data {
    cudnnBackendDescriptorType_t type;
    bool finalised;
    std::map<int, Attribute> attributes;

    const Attribute *find(int name) const
    {
        const auto at = attributes.find(name);
        return at == attributes.end() ? nullptr : &at->second;
    }

    Shared node(int name) const
    {
        const Attribute *const found = find(name);
        return found != nullptr && !found->nodes.empty() ? found->nodes[0] : nullptr;
    }

    template <typename T> T value(int name, T otherwise) const
    {
        const Attribute *const found = find(name);
        T value = otherwise;
        if (found != nullptr && found->bytes.size() >= sizeof value) {
            memcpy(&value, found->bytes.data(), sizeof value);
        }
        return value;
    }

    template <typename T> std::vector<T> values(int name) const
    {
        const Attribute *const found = find(name);
        std::vector<T> all(found != nullptr ? static_cast<size_t>(found->count) : 0);
        if (!all.empty()) {
            memcpy(all.data(), found->bytes.data(), all.size() * sizeof(T));
        }
        return all;
    }
};

/* Execution plans since the start, and attentions that were run as one operation. */
struct Calls {
    int64_t planned, destroyed, attended;
};
extern Calls calls;

/* Whether there is an engine for attention as one operation. */
extern bool attends;

/* What a cudnnBackendDescriptor_t points to. */
struct Handle {
    Shared data;
};

inline Shared data_of(cudnnBackendDescriptor_t node)
{
    return node != nullptr ? static_cast<Handle *>(node)->data : nullptr;
}

/* The status, with words for cudnnGetLastErrorString. */
cudnnStatus_t refuse(cudnnStatus_t status, const std::string &words);

cudnnStatus_t run(const Data &plan, const Data &pack);

} // namespace emulate_dnn

#endif
