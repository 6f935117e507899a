/* Descriptors, the parts of shared memory, and that what TMA writes is what wgmma reads. */
#include "kernels/hopper/plan.h"

#include <criterion/criterion.h>

using namespace assay_hopper;

/* A field of a descriptor, as the PTX ISA numbers its bits. */
static uint64_t field(uint64_t descriptor, int first, int last)
{
    return descriptor >> first & ((uint64_t{1} << (last - first + 1)) - 1);
}

Test(plan, a_descriptor_has_the_fields_of_the_isa)
{
    for (uint32_t address = 0; address < 227 * 1024; address += ATOM) {
        const uint64_t descriptor = descriptor_of(address);
        cr_assert(field(descriptor, 0, 13) * 16 == address);
        cr_assert(field(descriptor, 14, 15) == 0);
        cr_assert(field(descriptor, 16, 29) == 1);
        cr_assert(field(descriptor, 32, 45) * 16 == 1024, "eight rows of 128 bytes");
        cr_assert(field(descriptor, 46, 61) == 0, "the base's offset too: at multiples of 1024");
        cr_assert(field(descriptor, 62, 63) == 1, "128-byte swizzle");
    }
}

/* Where wgmma reads element (row, k) of an operand that runs fastest in k: rows of 128 bytes in
 * groups of eight, whose distance the descriptor has, with bits 4..6 of the address exchanged by
 * bits 7..9. */
static uint32_t read_by_wgmma(uint64_t descriptor, int row, int k)
{
    const uint32_t start = static_cast<uint32_t>(field(descriptor, 0, 13)) * 16;
    const uint32_t groups = static_cast<uint32_t>(field(descriptor, 32, 45)) * 16;
    const uint32_t address = start + static_cast<uint32_t>(row / 8) * groups +
                             static_cast<uint32_t>(row % 8) * 128 + static_cast<uint32_t>(k) * 2;
    return address ^ (address >> 7 & 7) << 4;
}

/* Where TMA writes element (row, k) of a box at an address that is a multiple of 1024: piece p of
 * 16 bytes of a row goes to piece p xor (row mod 8). */
static uint32_t written_by_tma(uint32_t box, int row, int k)
{
    const int piece = k / 8 ^ row % 8;
    return box + static_cast<uint32_t>(row * 128 + piece * 16 + k % 8 * 2);
}

Test(plan, the_swizzle_exchanges_pieces_within_a_row_and_is_its_own_inverse)
{
    for (int row = 0; row < BOX_ROWS; row++) {
        for (int k = 0; k < DEPTH; k++) {
            const uint32_t offset = static_cast<uint32_t>(row * 128 + k * 2);
            cr_assert(swizzled(offset) == written_by_tma(0, row, k));
            cr_assert(swizzled(swizzled(offset)) == offset);
        }
    }
}

Test(plan, wgmma_reads_what_tma_has_written)
{
    for (uint32_t stage = 0; stage < STAGES; stage++) {
        const uint32_t x = ATOM + stage * STAGE_BYTES;
        const uint32_t weight = x + X_BYTES;
        for (int k = 0; k < DEPTH; k++) {
            const uint64_t step = static_cast<uint64_t>(k / STEP) * DESCRIPTOR_STEP;
            for (int row = 0; row < TILE_ROWS; row++) {
                const uint32_t group = static_cast<uint32_t>(row / GROUP_ROWS * GROUP_ROWS);
                const uint64_t a = descriptor_of(x + group * ROW_BYTES) + step;
                cr_assert(read_by_wgmma(a, row % GROUP_ROWS, k % STEP) ==
                          written_by_tma(x, row, k));
            }
            for (int row = 0; row < TILE_LATENTS; row++) {
                const uint32_t box = weight + static_cast<uint32_t>(row / BOX_ROWS) * BOX_BYTES;
                cr_assert(read_by_wgmma(descriptor_of(weight) + step, row, k % STEP) ==
                          written_by_tma(box, row % BOX_ROWS, k));
            }
        }
    }
}

Test(plan, shared_memory_has_room_and_its_parts_do_not_meet)
{
    cr_assert(STAGES * STAGE_BYTES <= COLUMNS_AT);
    cr_assert(COLUMNS_AT + 2 * TILE_LATENTS * sizeof(Column) <= BARRIERS_AT);
    cr_assert(BARRIERS_AT + 2 * STAGES * 8 + ATOM <= SHARED_BYTES);
    cr_assert(COLUMNS_AT % alignof(Column) == 0 && BARRIERS_AT % 8 == 0);
    cr_assert(SHARED_BYTES <= 232448, "a block of compute capability 9.0");
}
