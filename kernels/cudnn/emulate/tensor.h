/* Tensors of a run of a plan. Those between its operations are kept whole, in f32. */
#ifndef KERNELS_CUDNN_EMULATE_TENSOR_H
#define KERNELS_CUDNN_EMULATE_TENSOR_H

#include <array>

#include "kernels/cudnn/emulate/node.h"

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

Tensor tensor_of(const Data &data, Run *run);

/* Whether it is there, and where it should lie. */
bool is_bound(const Tensor &t);

/* An axis of size 1 is read at 0 wherever it is asked. */
float load(const Tensor &t, const Place &at);
void store(const Tensor &t, const Place &at, float value);

template <typename Each> void for_all(const Place &size, Each each)
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

/* Operations that are products (products.cc). */
cudnnStatus_t run_matmul(const Data &operation, Run *run);
cudnnStatus_t run_attend(const Data &operation, Run *run);

} // namespace emulate_dnn

#endif
