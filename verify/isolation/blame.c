#include "verify/isolation/blame.h"

#include <signal.h>
#include <sys/wait.h>

enum { TEXT_MAX = 512 };

/* Addresses this close to zero come from a null pointer and an index. */
static const uint64_t null_most = 1u << 16;

const char *assay_bytes_text(uint64_t bytes, char *text, size_t size)
{
    (void)snprintf(text, size, "%llu byte%s", (unsigned long long)bytes, bytes == 1 ? "" : "s");
    return text;
}

static const char *deed(assay_access access)
{
    return access == ASSAY_ACCESS_WRITE  ? "wrote"
           : access == ASSAY_ACCESS_READ ? "read"
                                         : "touched";
}

/* The region nearest to an offset of a slab, and how far away it is: 0 within it. */
static const assay_region *nearest(const assay_slab_layout *layout, uint64_t at, uint32_t *index,
                                   uint64_t *distance)
{
    const assay_region *found = NULL;
    for (uint32_t i = 0; i < layout->count; i++) {
        const assay_region *const r = &layout->region[i];
        const uint64_t away = at < r->low ? r->low - at : at >= r->high ? at - r->high + 1 : 0;
        if (found == NULL || away < *distance) {
            found = r;
            *index = i;
            *distance = away;
        }
    }
    return found;
}

/* A fault in a slab, in the operand's terms; false when the address lies elsewhere. */
static bool in_slab(const assay_death *death, const assay_named_layout *named, uint64_t base,
                    assay_outcome *outcome, char *text)
{
    const assay_control *const control = death->control;
    uint32_t index = 0;
    uint64_t distance = 0;
    char count[48];
    if (base == 0 || named->layout == NULL || control->address < base ||
        control->address - base >= named->layout->size) {
        return false;
    }
    const uint64_t at = control->address - base;
    const assay_region *const r = nearest(named->layout, at, &index, &distance);
    if (r == NULL) {
        return false;
    }
    const char *const name = named->name[index];
    const char *const verb = deed(control->access);
    outcome->check = ASSAY_CHECK_GUARD;
    if (at < r->start) {
        (void)snprintf(text, TEXT_MAX, "%s %s before '%s'", verb,
                       assay_bytes_text(r->start - at, count, sizeof count), name);
    } else if (at >= r->start + r->bytes) {
        const uint64_t past = at - (r->start + r->bytes) + r->element;
        (void)snprintf(text, TEXT_MAX, "%s %s past the end of '%s'", verb,
                       assay_bytes_text(past, count, sizeof count), name);
    } else {
        outcome->check = ASSAY_CHECK_INPUT;
        (void)snprintf(text, TEXT_MAX, "wrote to its input '%s'", name);
    }
    return true;
}

static bool in_scratch(const assay_death *death, assay_outcome *outcome, char *text)
{
    const assay_control *const c = death->control;
    char count[48];
    const uint64_t guard = assay_page();
    if (c->scratch_low == 0 || c->address < c->scratch_low - guard ||
        c->address >= c->scratch_end + guard) {
        return false;
    }
    outcome->check = ASSAY_CHECK_GUARD;
    const uint64_t end = c->scratch_start + c->scratch_bytes;
    const bool before = c->address < c->scratch_low;
    (void)snprintf(text, TEXT_MAX, "%s %s %s its workspace of %llu", deed(c->access),
                   assay_bytes_text(before ? c->scratch_start - c->address : c->address - end + 1,
                                    count, sizeof count),
                   before ? "before" : "past the end of", (unsigned long long)c->scratch_bytes);
    return true;
}

static bool in_frame(const assay_death *death, char *text)
{
    const assay_control *const c = death->control;
    if (c->address < c->frame_low || c->address >= c->frame_end) {
        return false;
    }
    (void)snprintf(text, TEXT_MAX, "%s an exec or io of a call that has returned", deed(c->access));
    return true;
}

static void fault_words(const assay_death *death, assay_outcome *outcome, char *text)
{
    const assay_control *const c = death->control;
    const uint64_t near_stack = 1u << 16;
    const bool overflow = c->stack != 0 && c->address != 0 &&
                          ((c->stack_low != 0 && c->stack < c->stack_low + near_stack &&
                            c->stack + (near_stack << 8) > c->stack_low &&
                            c->address < c->stack_low + near_stack) ||
                           (c->address < c->stack && c->stack - c->address < 256) ||
                           (c->address >= c->stack && c->address - c->stack < assay_page()));
    if (in_slab(death, &death->operands, c->operands, outcome, text) ||
        in_slab(death, &death->weights, c->weights, outcome, text) ||
        in_scratch(death, outcome, text) || in_frame(death, text)) {
        return;
    }
    if (c->signal == SIGSEGV && c->code == SI_KERNEL) {
        (void)snprintf(text, TEXT_MAX, "an address that is not aligned as the instruction needs, "
                                       "or that none can be");
    } else if (overflow) {
        (void)snprintf(text, TEXT_MAX, "its stack overflowed");
    } else if (c->address < null_most) {
        (void)snprintf(text, TEXT_MAX, "followed a null pointer (address %#llx)",
                       (unsigned long long)c->address);
    } else {
        (void)snprintf(text, TEXT_MAX, "%s address %#llx, which belongs to no operand",
                       deed(c->access), (unsigned long long)c->address);
    }
}

static const char *arithmetic_words(int code)
{
    return code == FPE_INTDIV   ? "integer division by zero"
           : code == FPE_INTOVF ? "integer overflow"
                                : "an arithmetic trap";
}

static bool is_text(char c)
{
    return c >= 0x20 && c != 0x7f;
}

/* The last line it printed that says something; a sanitizer's summary before all others. */
static void last_words(const assay_death *death, char *text, size_t size)
{
    static const char summary[] = "SUMMARY: ";
    size_t end = death->said_size;
    size_t begin = 0;
    const char *const report =
        death->said_size == 0 ? NULL
                              : memmem(death->said, death->said_size, summary, strlen(summary));
    if (report != NULL) {
        begin = (size_t)(report - death->said);
        for (end = begin; end < death->said_size && is_text(death->said[end]); end++) {
        }
    } else {
        while (end > 0 && !is_text(death->said[end - 1])) {
            end--;
        }
        for (begin = end; begin > 0 && is_text(death->said[begin - 1]); begin--) {
        }
    }
    (void)snprintf(text, size, "%.*s", (int)(end - begin), end > begin ? death->said + begin : "");
}

static const char *signal_name(int number)
{
    const char *const name = sigabbrev_np(number);
    return name != NULL ? name : "?";
}

static void signal_words(const assay_death *death, assay_outcome *outcome, char *text)
{
    const assay_control *const c = death->control;
    const int number = WTERMSIG(death->status);
    char detail[TEXT_MAX] = "";
    char said[TEXT_MAX];
    last_words(death, said, sizeof said);
    if (c->recorded == 0 || c->signal != number) {
        (void)snprintf(detail, sizeof detail, "%s",
                       number == SIGKILL   ? "killed from outside, as the out-of-memory killer does"
                       : number == SIGSEGV ? "without room for a report: a stack overflowed"
                                           : "");
    } else if (c->code <= 0 && number != SIGABRT) {
        (void)snprintf(detail, sizeof detail, "raised, not caused by an instruction");
    } else if (number == SIGSEGV || number == SIGBUS) {
        fault_words(death, outcome, detail);
    } else if (number == SIGFPE) {
        (void)snprintf(detail, sizeof detail, "%s", arithmetic_words(c->code));
    } else if (number == SIGILL) {
        (void)snprintf(detail, sizeof detail, "an illegal instruction");
    }
    const bool quote = said[0] != '\0' && (number == SIGABRT || strncmp(said, "SUMMARY", 7) == 0);
    (void)snprintf(text, ASSAY_MESSAGE_MAX, "SIG%.20s%s%.440s%s%.440s", signal_name(number),
                   detail[0] != '\0' ? ": " : "", detail, quote ? ": " : "", quote ? said : "");
}

static const char *phase_words(uint32_t phase)
{
    switch (phase) {
    case ASSAY_PHASE_LOAD: return "while it was loaded: ";
    case ASSAY_PHASE_PREPARE: return "in prepare: ";
    case ASSAY_PHASE_BESIDE: return "in prepare, of a second state with other weights: ";
    case ASSAY_PHASE_RELEASE: return "in release: ";
    case ASSAY_PHASE_IDLE: return "after the call had returned: ";
    default: return "";
    }
}

static void life_words(const assay_death *death, assay_outcome *outcome, char *text)
{
    char said[TEXT_MAX];
    last_words(death, said, sizeof said);
    if (WIFSIGNALED(death->status)) {
        signal_words(death, outcome, text);
    } else if (strncmp(said, "SUMMARY: ", 9) == 0) {
        (void)snprintf(text, ASSAY_MESSAGE_MAX, "%s", said);
    } else {
        (void)snprintf(text, ASSAY_MESSAGE_MAX, "called exit(%d)",
                       death->control->exited != 0 ? (int)death->control->exit_status
                                                   : WEXITSTATUS(death->status));
    }
}

void assay_blame(const assay_death *death, assay_outcome *outcome)
{
    char text[ASSAY_MESSAGE_MAX] = "";
    memset(outcome, 0, sizeof *outcome);
    outcome->verdict = ASSAY_CRASH;
    outcome->check = ASSAY_CHECK_LIFE;
    if (death->wait == ASSAY_WAIT_DEADLINE) {
        outcome->verdict = ASSAY_TIMEOUT;
        outcome->check = ASSAY_CHECK_DEADLINE;
        const int size = snprintf(text, sizeof text, "no answer in %.3g s", death->deadline);
        if (death->deadline < death->deadline_before) {
            (void)snprintf(text + size, sizeof text - (size_t)size,
                           ", all it is given since twice in a row it had none in %.3g s",
                           death->deadline_before);
        }
    } else if (death->wait == ASSAY_WAIT_MEMORY) {
        const bool large = death->memory_limit >= 1u << 30;
        (void)snprintf(text, sizeof text, "more than %.*f %s resident", large ? 1 : 0,
                       (double)death->memory_limit / (large ? 0x1p30 : 0x1p20),
                       large ? "GiB" : "MiB");
    } else if (!death->by_itself) {
        /* Where it is by now says nothing: it went on. */
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "sent nonsense, or closed its connection");
        return;
    } else {
        life_words(death, outcome, text);
    }
    (void)snprintf(outcome->message, sizeof outcome->message, "%s%.900s",
                   phase_words(death->control->phase), text);
}
