/* gnuplot run once for all plots of a page. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/plot_gnuplot.h"
#include "reports/plot_script.h"
#include "reports/plot_svg.h"
#include "reports/scratch.h"
#include "reports/text.h"

struct plot_sheet {
    char folder[SCRATCH_FOLDER];
    char path[SCRATCH_PATH];
    FILE *script;
    char **title;
    size_t count, room;
};

/* Stands in the page's text for drawing number %zu until it is finished; no text holds such bytes.
 */
static const char place_form[] = "\x01plot %zu\x02";

assay_status plot_sheet_open(plot_sheet **sheet, assay_error *error)
{
    plot_sheet *const made = calloc(1, sizeof *made);
    *sheet = NULL;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for plots");
    }
    const assay_status status = scratch_make(made->folder, error);
    if (status != ASSAY_OK) {
        free(made);
        return status;
    }
    (void)snprintf(made->path, sizeof made->path, "%s/script", made->folder);
    made->script = fopen(made->path, "w");
    *sheet = made;
    if (made->script == NULL) {
        (void)assay_fail(error, ASSAY_IO, "%s: cannot be written: check the space there",
                         made->path);
        plot_sheet_close(sheet);
        return ASSAY_IO;
    }
    return ASSAY_OK;
}

static void output_path(const plot_sheet *sheet, size_t i, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%zu.svg", sheet->folder, i);
}

void plot_sheet_close(plot_sheet **sheet)
{
    plot_sheet *const s = *sheet;
    char path[SCRATCH_PATH];
    if (s == NULL) {
        return;
    }
    if (s->script != NULL) {
        (void)fclose(s->script);
    }
    for (size_t i = 0; i < s->count; i++) {
        output_path(s, i, path, sizeof path);
        (void)unlink(path);
        free(s->title[i]);
    }
    plot_gnuplot_clean(s->folder);
    (void)unlink(s->path);
    (void)rmdir(s->folder);
    free(s->title);
    free(s);
    *sheet = NULL;
}

bool plot_place(plot_sheet *sheet, const plot *p, FILE *page)
{
    char path[SCRATCH_PATH];
    if (sheet->count == sheet->room) {
        const size_t room = sheet->room == 0 ? 32 : sheet->room * 2;
        char **const grown = realloc(sheet->title, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        sheet->title = grown;
        sheet->room = room;
    }
    output_path(sheet, sheet->count, path, sizeof path);
    if (!plot_script(sheet->script, p, path)) {
        return false;
    }
    sheet->title[sheet->count] = strdup(p->title != NULL ? p->title : "plot");
    if (sheet->title[sheet->count] == NULL) {
        return false;
    }
    (void)fprintf(page, place_form, sheet->count);
    sheet->count++;
    return true;
}

static void put_drawing(FILE *out, const plot_sheet *sheet, size_t i, bool there)
{
    char path[SCRATCH_PATH];
    output_path(sheet, i, path, sizeof path);
    if (!there || i >= sheet->count || !plot_svg_clean(path, sheet->title[i], out)) {
        (void)fputs("<p class=\"note\">not drawn: gnuplot is missing (Debian: gnuplot-nox)</p>",
                    out);
    }
}

assay_status plot_sheet_finish(plot_sheet *sheet, const char *page, size_t size, char **whole,
                               size_t *whole_size, bool *drawn, assay_error *error)
{
    const char *const end = page + size;
    *whole = NULL;
    *drawn = true;
    const bool written = fclose(sheet->script) == 0;
    sheet->script = NULL;
    assay_status status =
        written ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: no space for the plots", sheet->folder);
    if (status == ASSAY_OK && sheet->count > 0) {
        status = plot_gnuplot(sheet->folder, sheet->path, drawn, error);
    }
    FILE *const out = status == ASSAY_OK ? open_memstream(whole, whole_size) : NULL;
    if (out == NULL) {
        return status != ASSAY_OK
                   ? status
                   : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
    }
    while (page < end) {
        const char *const mark = memchr(page, '\x01', (size_t)(end - page));
        const char *const until = mark != NULL ? mark : end;
        (void)fwrite(page, 1, (size_t)(until - page), out);
        page = until;
        if (mark != NULL) {
            const char *const close = memchr(mark, '\x02', (size_t)(end - mark));
            put_drawing(out, sheet, (size_t)strtoull(mark + sizeof "\x01plot" - 1, NULL, 10),
                        *drawn);
            page = close != NULL ? close + 1 : end;
        }
    }
    return fclose(out) == 0 ? ASSAY_OK
                            : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
}
