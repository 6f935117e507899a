/* What was recorded around the results: every key once, with the files that say otherwise. */
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

void report_value(FILE *out, const char *key, const assay_node *node)
{
    const size_t length = strlen(key);
    const bool bytes = length > 6 && strcmp(key + length - 6, "_bytes") == 0;
    switch (node->kind) {
    case ASSAY_NODE_TEXT: (void)fputs(node->as.text, out); break;
    case ASSAY_NODE_BOOL: (void)fputs(node->as.truth ? "yes" : "no", out); break;
    case ASSAY_NODE_NUMBER:
        (void)fputs(bytes ? text_bytes(node->as.number).text : "", out);
        if (!bytes) {
            (void)fprintf(out, "%.10g", node->as.number);
        }
        break;
    case ASSAY_NODE_NUMBERS:
        for (size_t i = 0; i < node->count; i++) {
            (void)fprintf(out, "%s%s", i == 0 ? "" : ", ",
                          bytes ? text_bytes(node->as.numbers[i]).text
                                : text_small(node->as.numbers[i]).text);
        }
        break;
    case ASSAY_NODE_LIST:
    case ASSAY_NODE_OBJECT:
        for (const assay_node *n = node->as.first; n != NULL; n = n->next) {
            (void)fputs(n == node->as.first ? "" : ", ", out);
            if (n->key != NULL) {
                (void)fprintf(out, "%s ", n->key);
            }
            report_value(out, n->key != NULL ? n->key : key, n);
        }
        break;
    case ASSAY_NODE_NULL: break;
    }
}

char *report_value_text(const char *key, const assay_node *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    if (node != NULL) {
        report_value(out, key, node);
    }
    return fclose(out) == 0 ? text : NULL;
}

/* Whether an earlier file's environment has the key: it was shown with that one. */
static bool shown_before(const assay_results *r, size_t file, const char *key)
{
    for (size_t f = 0; f < file; f++) {
        if (assay_node_get(r->file[f].environment, key) != NULL) {
            return true;
        }
    }
    return false;
}

/* The files from f on whose text is f's, into `like`; their texts are taken, so that each is said
 * once. */
static size_t take_alike(char **text, size_t count, size_t f, size_t *like)
{
    size_t found = 0;
    for (size_t g = f + 1; g < count; g++) {
        if (text[g] != NULL && strcmp(text[g], text[f]) == 0) {
            like[found++] = g;
            free(text[g]);
            text[g] = NULL;
        }
    }
    like[found++] = f;
    return found;
}

/* One value when all files agree, else each with the files that have it. */
static void key_row(FILE *out, const assay_results *r, const char *key, char **text, size_t *like)
{
    bool first = true;
    for (size_t f = 0; f < r->file_count; f++) {
        text[f] = report_value_text(key, assay_node_get(r->file[f].environment, key));
    }
    (void)fputs("<tr><td class=\"dim\">", out);
    text_html(out, key);
    (void)fputs("</td><td class=\"w\">", out);
    for (size_t f = 0; f < r->file_count; f++) {
        if (text[f] == NULL) {
            continue;
        }
        const size_t count = take_alike(text, r->file_count, f, like);
        (void)fputs(first ? "" : "<br>", out);
        text_html(out, text[f][0] != '\0' ? text[f] : "–");
        if (count < r->file_count) {
            (void)fputs(" <span class=\"dim\">", out);
            page_file_names(out, r, &(page_origin){like, count, sizeof *like});
            (void)fputs("</span>", out);
        }
        free(text[f]);
        text[f] = NULL;
        first = false;
    }
    (void)fputs("</td></tr>\n", out);
}

void report_environment(report_page *page)
{
    const assay_results *const r = page->results;
    char **const text = calloc(r->file_count, sizeof *text);
    size_t *const like = calloc(r->file_count, sizeof *like);
    page_section(page->out, "environment", "Environment",
                 r->file_count > 1 ? "As each file recorded it; a value without file numbers is "
                                     "the same in all."
                                   : NULL);
    (void)fputs("<div class=\"scroll\"><table><tbody>\n", page->out);
    for (size_t f = 0; f < r->file_count && text != NULL && like != NULL; f++) {
        const assay_node *n = r->file[f].environment->as.first;
        for (; n != NULL; n = n->next) {
            if (!shown_before(r, f, n->key)) {
                key_row(page->out, r, n->key, text, like);
            }
        }
    }
    page_table_end(page->out);
    page_section_end(page->out);
    free(text);
    free(like);
}
