/* Numbers of rows that the library multiplies, before anything is on the device. */
#include "kernels/cublas/call.h"

#include <mutex>
#include <vector>

namespace assay_cublas {

using namespace assay_cuda;

namespace {

std::mutex lock; /* of what is kept for the process */

/* What the heuristics answered for a number of rows. */
struct Answered {
    Key key;
    int64_t rows;
    cublasStatus_t answer;
};
std::vector<Answered> answered;

bool find_answer(const Key &key, int64_t rows, cublasStatus_t *answer)
{
    const std::lock_guard<std::mutex> held(lock);
    for (const Answered &one : answered) {
        if (one.rows == rows && same(one.key, key)) {
            *answer = one.answer;
            return true;
        }
    }
    return false;
}

/* What the heuristics say of so many rows; nothing is on the device. */
assay_status ask(const assay_exec *exec, const ProductShape &shape, int64_t rows,
                 cublasStatus_t *answer)
{
    alignas(VECTOR) static const float somewhere = 0.0f; /* a pointer must not be NULL */
    Product product = {};
    product.shape = shape;
    product.fixed = {&somewhere, &somewhere, &somewhere};
    product.library_bytes = library_bytes(exec->device.compute);
    Call call;
    cublasLtMatmulHeuristicResult_t proposed;
    int count = 0;
    const Alignments whole_vectors = {VECTOR, VECTOR, VECTOR};
    assay_status status = open_handle(exec, &product.handle);
    status = status != ASSAY_OK
                 ? status
                 : describe_call(exec, product, &somewhere, rows, shape.outputs, &call);
    status = status != ASSAY_OK
                 ? status
                 : propose(exec, product, &call, whole_vectors, 1, &proposed, &count, answer);
    *answer = count > 0 ? CUBLAS_STATUS_SUCCESS : *answer;
    return status;
}

} // namespace

assay_status expect_rows(const assay_device *device, const ProductShape &shape, int64_t rows,
                         assay_error *error)
{
    const Key key = {device->index, shape};
    cublasStatus_t answer = CUBLAS_STATUS_NOT_SUPPORTED;
    if (!find_answer(key, rows, &answer)) {
        assay_exec exec = {};
        exec.device = *device;
        exec.error = error;
        const assay_status status = ask(&exec, shape, rows, &answer);
        if (status != ASSAY_OK) {
            return status;
        }
        const std::lock_guard<std::mutex> held(lock);
        answered.push_back({key, rows, answer});
    }
    return answer == CUBLAS_STATUS_SUCCESS ? ASSAY_OK : no_algorithm(error, shape, rows, answer);
}

bool any_rows_served(const assay_device *device, const ProductShape &shape)
{
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        if (expect_rows(device, shape, rows_of_bucket(bucket), nullptr) == ASSAY_OK) {
            return true;
        }
    }
    return false;
}

} // namespace assay_cublas
