/* What a document owns, and the digest that tells files apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/doc_parts.h"

/* Memory by the megabyte: nodes and strings are never freed one by one. */
typedef struct assay_block {
    struct assay_block *next;
    size_t used, room;
    max_align_t data[];
} assay_block;

enum { BLOCK_BYTES = 1 << 20 };

void *assay_doc_alloc(assay_doc *doc, size_t size)
{
    const size_t need =
        (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    assay_block *block = doc->blocks;
    if (block == NULL || block->room - block->used < need) {
        const size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        assay_block *const fresh = malloc(sizeof *fresh + room);
        if (fresh == NULL) {
            return NULL;
        }
        fresh->used = 0;
        fresh->room = room;
        /* A large one goes behind the block in use, which still has room. */
        const bool large = block != NULL && need > BLOCK_BYTES / 2;
        fresh->next = large ? block->next : block;
        *(large ? &block->next : &doc->blocks) = fresh;
        block = fresh;
    }
    void *const place = (char *)block->data + block->used;
    block->used += need;
    return place;
}

void assay_doc_free(assay_doc **doc)
{
    if (*doc == NULL) {
        return;
    }
    for (assay_block *block = (*doc)->blocks; block != NULL;) {
        assay_block *const next = block->next;
        free(block);
        block = next;
    }
    free((*doc)->path);
    free(*doc);
    *doc = NULL;
}

/* Two multiplicative hashes of 64 bits side by side, eight bytes a step. */
void assay_doc_digest(const char *text, size_t size, char *hex)
{
    uint64_t a = 0x9E3779B97F4A7C15ULL ^ size;
    uint64_t b = 0xD1B54A32D192ED03ULL + size;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, text + i, size - i < 8 ? size - i : 8);
        a = (a ^ word) * 0xFF51AFD7ED558CCDULL;
        a ^= a >> 32;
        b = (b + word) * 0xC4CEB9FE1A85EC53ULL;
        b ^= b >> 29;
    }
    (void)snprintf(hex, 33, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}
