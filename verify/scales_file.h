/* Scales on disk: one small file for an output of a chain under a contract, in $ASSAY_CACHE, else
 * $XDG_CACHE_HOME/assay, else ~/.cache/assay. Its name is a hash of everything the scale depends
 * on: the bundle, the chain, the output, the contract, the seed, the method, and this very program
 * (a rebuilt one may derive other errors).
 *
 * A cache is never an error and never trusted: what is missing, truncated, changed or of another
 * kind is not read, what cannot be written is not kept. Files are written under a temporary name
 * and renamed, so several processes at once are safe. Beyond ASSAY_SCALES_ROOM bytes the oldest
 * files go.
 *
 * Layout (the machine's byte order): magic[8], method u32, zero u32, rows i64, columns i64, f32
 * scale [rows, columns], then the sha256 of all before and of the file's name, as 64 hex digits. */
#ifndef VERIFY_SCALES_FILE_H
#define VERIFY_SCALES_FILE_H

#include "verify/chain.h"

#define ASSAY_SCALES_ROOM ((uint64_t)1 << 30)

/* False: not there. identity empty: never there. */
bool assay_scales_read(const char *identity, const assay_chain *chain, size_t output,
                       const char *contract, float *scale);
void assay_scales_write(const char *identity, const assay_chain *chain, size_t output,
                        const char *contract, const float *scale);

/* Removes the oldest files of a folder of scales until all of them together have at most `room`
 * bytes; and temporary ones that a process left behind. Other files are not touched. */
void assay_scales_trim(const char *folder, uint64_t room);

#endif
