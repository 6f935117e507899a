/* How an SAE's workspace is divided: parts that do not meet, rows that are read in octets. */
#include "kernels/cuda/sae_piece.h"

#include <criterion/criterion.h>

using namespace assay_cuda;

namespace {

alignas(256) char memory[4 << 20];

assay_sae sae_of(int64_t d_in, int64_t d_sae, assay_activation activation)
{
    assay_sae sae = {};
    sae.d_in = sae.d_out = d_in;
    sae.d_sae = d_sae;
    sae.k = 3;
    sae.activation = activation;
    return sae;
}

template <typename Check> void of_every_shape(const Check &check)
{
    for (const assay_activation activation : {ASSAY_JUMPRELU, ASSAY_TOPK}) {
        for (const int64_t d_in : {8, 24, 64, 72, 4096}) {
            for (const int64_t d_sae : {1, 7, 48, 2049, 5000}) {
                for (int64_t rows = 0; rows <= 9; rows++) {
                    check(sae_of(d_in, d_sae, activation), rows);
                }
            }
        }
    }
}

} // namespace

Test(pieces, rows_of_whole_octets_take_the_path_of_octets)
{
    of_every_shape([](const assay_sae &sae, int64_t rows) {
        const Piece piece = carve(sae, rows, memory);
        cr_assert(is_in_octets(dense_f32(piece.z, sae.d_in), ASSAY_F32), "%lld rows of %lld, %lld",
                  (long long)rows, (long long)sae.d_in, (long long)sae.d_sae);
        cr_assert(reinterpret_cast<uintptr_t>(piece.pre) % 16 == 0);
    });
}

Test(pieces, parts_follow_one_another_within_the_workspace)
{
    of_every_shape([](const assay_sae &sae, int64_t rows) {
        const Piece piece = carve(sae, rows, memory);
        const size_t all = piece_bytes(sae, rows);
        const char *const z = reinterpret_cast<const char *>(piece.z);
        const char *const pre = reinterpret_cast<const char *>(piece.pre);
        cr_assert(all <= sizeof memory && all % PART_ALIGNED == 0);
        cr_assert(z >= memory + entries_bytes(sae, rows));
        cr_assert(reinterpret_cast<const char *>(piece.limit + rows) <= z);
        cr_assert(pre >= reinterpret_cast<const char *>(piece.z + rows * sae.d_in));
        cr_assert(reinterpret_cast<const char *>(piece.pre + rows * sae.d_sae) <= memory + all);
    });
}
