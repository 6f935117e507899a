/* A device's ceilings as they were kept, and the floors that they set. */
#include <string.h>

#include "bench/gpu/probe.h"
#include "bench/probe/ceilings_file.h"
#include "fixtures/io/sha256.h"
#include "verify/isolation/session.h"

void assay_gpu_digest(const assay_accelerator_device *facts, char digest[17])
{
    char text[256];
    char whole[65];
    assay_sha256 hash;
    const int length = snprintf(text, sizeof text, "%s|%d|%llu|%llu|%d", facts->name,
                                (int)facts->device.compute,
                                (unsigned long long)facts->memory_total,
                                (unsigned long long)facts->cache_bytes,
                                (int)facts->multiprocessors);
    assay_sha256_begin(&hash);
    assay_sha256_add(&hash, text, (size_t)length);
    assay_sha256_end(&hash, whole);
    (void)snprintf(digest, 17, "%.16s", whole);
}

void assay_gpu_ceilings_load(const char *plugin, int32_t number, assay_ceilings *ceilings,
                             assay_error *why)
{
    const assay_session_options options = {.plugin = plugin};
    assay_session *session = NULL;
    assay_accelerator_device facts;
    assay_ceilings kept;
    char digest[17];
    int32_t count = 0;
    why->message[0] = '\0';
    assay_status status = assay_session_open(&options, &session, why);
    if (status == ASSAY_OK) {
        status = assay_session_device(session, number, &count, &facts, why);
    }
    assay_session_close(&session);
    if (status != ASSAY_OK) {
        return;
    }
    assay_gpu_digest(&facts, digest);
    if (assay_ceilings_read_of(digest, &kept, why) == ASSAY_OK) {
        assay_ceilings_merge(ceilings, &kept);
        ceilings->device_cache_bytes = (double)facts.cache_bytes;
    } else {
        (void)assay_fail(why, ASSAY_UNSUPPORTED,
                         "the ceilings of %s are not known, and its timings get no floors: measure "
                         "them with assay probe --plugin %s", facts.name, plugin);
    }
}

static double rate(const assay_ceilings *ceilings, const char *name, bool cached,
                   char bound[ASSAY_CEILING_NAME])
{
    char full[ASSAY_CEILING_NAME];
    double best = 0.0;
    for (int level = 0; level < (cached ? 2 : 1); level++) { /* a cache is no slower than memory */
        (void)snprintf(full, sizeof full, "gpu/bandwidth/%s/%s", name, level == 0 ? "dram" : "l2");
        const double found = assay_ceilings_find(ceilings, full);
        if (found > best) {
            best = found;
            memcpy(bound, full, sizeof full);
        }
    }
    return best;
}

static void raise_floor(assay_floor *floor, double amount, double per_second, const char *bound)
{
    const double seconds = amount > 0.0 && per_second > 0.0 ? amount / per_second : 0.0;
    if (seconds > floor->seconds) {
        floor->seconds = seconds;
        (void)snprintf(floor->bound, sizeof floor->bound, "%s", bound);
    }
}

/* All of it at the best rate there is, of the cache's or of memory's. */
static void raise_by_memory(assay_floor *floor, const assay_ceilings *ceilings, double bytes,
                            bool cached)
{
    char read_bound[ASSAY_CEILING_NAME] = "";
    char copy_bound[ASSAY_CEILING_NAME] = "";
    const double read = rate(ceilings, "read", cached, read_bound);
    const double copy = rate(ceilings, "copy", cached, copy_bound);
    raise_floor(floor, bytes, read > copy ? read : copy, read > copy ? read_bound : copy_bound);
}

const char *assay_gpu_product_name(assay_dtype multiply)
{
    switch (multiply) {
    case ASSAY_F32: return "gpu/linear/f32";
    case ASSAY_BF16: return "gpu/linear/bf16";
    case ASSAY_F16: return "gpu/linear/f16";
    case ASSAY_TF32: return "gpu/linear/tf32";
    case ASSAY_I8: return "gpu/linear/int8";
    case ASSAY_E4M3: return "gpu/linear/e4m3";
    default: return "";
    }
}

/* The word of a type's peak; plain f32 has none here: its kernels are bounded by their bytes. */
static const char *peak_of(assay_dtype multiply)
{
    switch (multiply) {
    case ASSAY_BF16: return "gpu/multiply_add/bf16/mma";
    case ASSAY_F16: return "gpu/multiply_add/f16/mma";
    case ASSAY_TF32: return "gpu/multiply_add/tf32/mma";
    case ASSAY_I8: return "gpu/multiply_add/int8/mma";
    case ASSAY_E4M3: return "gpu/multiply_add/e4m3/mma";
    default: return "";
    }
}

assay_floor assay_gpu_floor(const assay_ceilings *ceilings, const assay_floor_work *work,
                            bool cached, bool arithmetic)
{
    assay_floor floor = {.seconds = 0.0};
    const double bytes = work->bytes_read + work->bytes_written;
    const double cache = ceilings->device_cache_bytes;
    const bool exceeds = cached && cache > 0.0 && bytes > cache;
    if (exceeds && !arithmetic) { /* a part may have stayed: nobody is judged by the whole */
        raise_by_memory(&floor, ceilings, bytes, true);
        raise_by_memory(&floor, ceilings, bytes - cache, false);
    } else {
        raise_by_memory(&floor, ceilings, bytes, cached && !exceeds);
    }
    if (arithmetic) {
        const char *const peak = peak_of(work->multiply);
        const char *const product = assay_gpu_product_name(work->multiply);
        const double units = assay_ceilings_find(ceilings, peak);
        const double whole = *peak != '\0' ? assay_ceilings_find(ceilings, product) : 0.0;
        raise_floor(&floor, work->flops, whole > units ? whole : units,
                    whole > units ? product : peak);
    }
    return floor;
}
