/* Which prompts come next, and what of them other prompts have left in the caches. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

/* What of a prompt is in the caches now, where, and what will be after the next call. */
typedef struct match {
    int64_t now, later;
    int64_t slot; /* -1: none */
} match;

static int64_t length_of(const generate_job *job, int64_t b)
{
    return assay_int1(&job->io->lengths, b);
}

/* Never a whole prompt: the last row's logits are the sequence's own. Of equal ones the slot that
 * nobody uses, which need not be copied. */
static match best_match(const generate_job *job, int64_t b)
{
    const int64_t most = length_of(job, b) - 1;
    match best = {.slot = -1};
    for (int64_t s = 0; s < job->slots; s++) {
        const generate_slot *const slot = &job->slot[s];
        if (slot->sequence < 0) {
            continue;
        }
        const int64_t common = assay_prefixes_common(&job->prefixes, b, slot->sequence);
        const int64_t later = common < most ? common : most;
        const int64_t now = later < slot->ready ? later : slot->ready;
        if (now > best.now || (now == best.now && now > 0 && !slot->taken)) {
            best.now = now;
            best.slot = s;
        }
        best.later = later > best.later ? later : best.later;
    }
    return best;
}

/* The free slot whose content is worth least. */
static int64_t free_slot(const generate_job *job)
{
    int64_t least = -1;
    for (int64_t s = 0; s < job->slots; s++) {
        if (!job->slot[s].taken && (least < 0 || job->slot[s].ready < job->slot[least].ready)) {
            least = s;
        }
    }
    return least;
}

static void enter(generate_job *job, int64_t b, const match *found)
{
    const bool stays = found->slot >= 0 && !job->slot[found->slot].taken;
    const int64_t slot = stays ? found->slot : free_slot(job);
    if (found->now > 0 && !stays) {
        assay_prefix_copy(&job->stage->forward, found->slot, slot, found->now);
    }
    job->slot[slot] = (generate_slot){.sequence = b, .ready = found->now, .taken = true};
    job->row[job->count++] = (generate_row){.sequence = b, .slot = slot};
}

/* Lets prompts in while there are slots and rows for them. With patience those stay that share more
 * with one that has just come in; returns the rows that they save by it. */
static int64_t admit(generate_job *job, int64_t fresh, bool patient, int64_t *rows)
{
    int64_t slots = job->slots - job->count;
    int64_t saved = 0;
    int64_t left = 0;
    int64_t i = 0;
    for (; i < job->waiting_count && slots > 0; i++, slots--) {
        const int64_t b = job->waiting[i];
        const match found = best_match(job, b);
        const int64_t need = length_of(job, b) - found.now;
        if (job->count > fresh && *rows + need > job->rows) {
            break;
        }
        if (patient && found.later > found.now) {
            saved += found.later - found.now;
            job->waiting[left++] = b;
        } else {
            enter(job, b, &found);
            *rows += need;
        }
    }
    memmove(job->waiting + left, job->waiting + i,
            (size_t)(job->waiting_count - i) * sizeof *job->waiting);
    job->waiting_count -= i - left;
    return saved;
}

int64_t assay_generate_admit(generate_job *job, int64_t busy)
{
    const int64_t fresh = job->count;
    int64_t rows = busy;
    const int64_t saved = admit(job, fresh, true, &rows);
    if (saved > 0 && saved < job->stage->limits.saved) {
        (void)admit(job, fresh, false, &rows);
    }
    return fresh;
}
