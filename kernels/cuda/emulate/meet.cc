/* Barriers of a block, and what lanes of a warp do together. */
#include "kernels/cuda/emulate/schedule.h"

namespace emulate {

namespace {

void gather(Group *group)
{
    unsigned votes = 0;
    for (int i = 0; i < WARP && group->kind == BALLOT; i++) {
        votes |= (group->mask >> i & 1u) != 0 && group->value[i] != 0 ? 1u << i : 0;
    }
    Order order = order_of(WARP, &now.block->dice);
    group->arrived = 0;
    for (int i = 0; i < WARP; i++) {
        const int lane = (int)order.next();
        if ((group->mask >> lane & 1u) == 0) {
            continue;
        }
        Fiber *const fiber = group->fiber[lane];
        const int source = group->source[lane];
        if (group->kind == SHUFFLE && (group->mask >> source & 1u) == 0) {
            fail("thread %u shuffles from lane %d, which is not in its mask %08x, at %s:%d",
                 fiber->thread, source, group->mask, group->site.file, group->site.line);
        }
        fiber->result = group->kind == BALLOT ? votes : group->value[source];
        if (fiber != now.running) {
            make_ready(fiber);
        }
    }
}

/* The group of this mask, or a free one. */
Group *group_of(Group *groups, unsigned mask, Meeting kind, Site site)
{
    Group *free_one = nullptr;
    for (int i = 0; i < GROUPS_MAX; i++) {
        Group *const group = &groups[i];
        if (group->arrived == 0) {
            free_one = group;
        } else if (group->mask == mask && group->kind == kind &&
                   same_site(group->site, site)) {
            return group;
        } else if ((group->mask & mask) != 0) {
            fail("lanes of one warp meet at different places: %s:%d with mask %08x, %s:%d with "
                 "mask %08x",
                 group->site.file, group->site.line, group->mask, site.file, site.line, mask);
        }
    }
    if (free_one == nullptr) {
        fail("more than %d groups of one warp meet at %s:%d", (int)GROUPS_MAX, site.file,
             site.line);
        return groups;
    }
    free_one->mask = mask;
    free_one->kind = kind;
    free_one->site = site;
    return free_one;
}

} // namespace

unsigned lane()
{
    return now.running->thread % WARP;
}

void meet_block(Site site)
{
    Fiber *const self = now.running;
    const Fiber *const other = now.first_at_barrier;
    if (now.at_barrier > 0 && !same_site(other->site, site)) {
        fail("threads of one block wait at different barriers: thread %u at %s:%d, thread %u at "
             "%s:%d",
             other->thread, other->site.file, other->site.line, self->thread, site.file,
             site.line);
    }
    if (now.at_barrier + 1 < now.threads) {
        now.first_at_barrier = now.at_barrier++ == 0 ? self : now.first_at_barrier;
        wait(site);
        return;
    }
    now.at_barrier = 0;
    Order order = order_of(now.threads, &now.block->dice);
    order.step = now.grouped ? 1 % now.threads : order.step;
    for (uint64_t i = 0; i < now.threads; i++) {
        make_ready(now.of_thread[order.next()]);
    }
    yield(); /* the last to come need not go on first */
}

uint64_t meet_warp(Meeting kind, unsigned mask, uint64_t value, int source, Site site)
{
    Fiber *const self = now.running;
    const unsigned own = self->thread % WARP;
    const unsigned warp = self->thread / WARP;
    const uint64_t lanes = now.threads - (uint64_t)warp * WARP;
    const unsigned there = lanes >= WARP ? 0xffffffffu : (1u << lanes) - 1u;
    if ((mask >> own & 1u) == 0 || (mask & ~there) != 0) {
        fail("thread %u meets lanes of mask %08x at %s:%d; its warp has %08x and it is lane %u",
             self->thread, mask, site.file, site.line, there, own);
    }
    Group *const group = group_of(now.group[warp], mask, kind, site);
    group->value[own] = value;
    group->source[own] = kind == SHUFFLE ? source : (int)own;
    group->fiber[own] = self;
    group->arrived |= 1u << own;
    if (group->arrived == mask) {
        gather(group);
    } else {
        wait(site);
    }
    return self->result;
}

} // namespace emulate
