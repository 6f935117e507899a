/* Plots as one image file: the same script on one canvas, with colours of its own. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/page_style.h"
#include "reports/plot_gnuplot.h"
#include "reports/plot_script.h"
#include "reports/scratch.h"
#include "reports/text.h"

typedef struct image_size {
    double width, height; /* of one plot, the largest's */
    size_t columns, rows;
} image_size;

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* The light scheme's colour for a code of plot_script.h, as in the page: "#0067a3". */
static void put_colour(FILE *out, long code)
{
    static const char *const names[] = {"ink", "ink", "muted", "grid", "bad", "paper"};
    char name[32];
    if (code >= PLOT_CODE_SERIES) {
        (void)snprintf(name, sizeof name, "--s%ld:", code - PLOT_CODE_SERIES);
    } else {
        (void)snprintf(name, sizeof name, "--%s:",
                       names[code >= 1 && code <= PLOT_CODE_PAPER ? code : 1]);
    }
    const char *const at = strstr(page_style, name);
    (void)fprintf(out, "%.7s", at != NULL ? at + strlen(name) : "#000000");
}

static void put_coloured(FILE *out, const char *script)
{
    static const char code[] = "'#0100";
    for (const char *at; (at = strstr(script, code)) != NULL;) {
        char digits[3] = {at[6], at[6] != '\0' ? at[7] : '\0', '\0'};
        (void)fwrite(script, 1, (size_t)(at + 1 - script), out);
        put_colour(out, strtol(digits, NULL, 16));
        script = at + sizeof code - 1 + strlen(digits);
    }
    (void)fputs(script, out);
}

static void put_plots(FILE *out, const plot *const *plots, size_t count, const image_size *size)
{
    plot_canvas canvas = {size->width * (double)size->columns, size->height * (double)size->rows,
                          0.0, 0.0};
    (void)fputs("unset key\nset multiplot\n", out);
    for (size_t i = 0; i < count; i++) {
        canvas.left = size->width * (double)(i % size->columns);
        canvas.top = size->height * (double)(i / size->columns);
        (void)fputs("unset label\nunset logscale\n", out);
        (void)plot_script_on(out, plots[i], &canvas);
    }
    (void)fputs("unset multiplot\nunset output\n", out);
}

static image_size measure(const plot *const *plots, size_t count, size_t columns)
{
    image_size size = {0.0, 0.0, columns < count ? columns : count, 0};
    for (size_t i = 0; i < count; i++) {
        double width;
        double height;
        plot_size(plots[i], &width, &height);
        size.width = width > size.width ? width : size.width;
        size.height = height > size.height ? height : size.height;
    }
    size.rows = (count + size.columns - 1) / size.columns;
    return size;
}

static assay_status write_script(const plot *const *plots, size_t count, size_t columns,
                                 const char *path, const char *output, const char *script,
                                 assay_error *error)
{
    const image_size size = measure(plots, count, columns);
    const bool bitmap = ends_with(path, ".png");
    const double scale = bitmap ? 2.0 : 1.0;
    char *text = NULL;
    size_t bytes = 0;
    FILE *const all = open_memstream(&text, &bytes);
    FILE *const out = fopen(script, "w");
    if (all != NULL && out != NULL) {
        put_plots(all, plots, count, &size);
    }
    const bool whole = all != NULL && fclose(all) == 0;
    if (whole && out != NULL) {
        (void)fprintf(out, "set term %s size %.0f,%.0f noenhanced font 'sans,12'%s\n",
                      bitmap ? "pngcairo" : "svg", scale * size.width * (double)size.columns,
                      scale * size.height * (double)size.rows,
                      bitmap ? " fontscale 1.5 linewidth 2 pointscale 1.6 background '#fcfbf8'"
                             : " background '#fcfbf8'");
        (void)fprintf(out, "set encoding utf8\nset output '%s'\n", output);
        put_coloured(out, text);
    }
    free(text);
    const bool written = out != NULL && fclose(out) == 0;
    return whole && written ? ASSAY_OK
                            : assay_fail(error, ASSAY_IO, "%s: no space for the plots", script);
}

/* gnuplot writes into the scratch folder; the image appears at its path whole or not at all. */
static assay_status take_over(const char *output, const char *path, assay_error *error)
{
    FILE *const file = fopen(output, "rb");
    char *text = NULL;
    size_t size = 0;
    FILE *const all = file != NULL ? open_memstream(&text, &size) : NULL;
    char piece[4096];
    for (size_t got; all != NULL && (got = fread(piece, 1, sizeof piece, file)) > 0;) {
        (void)fwrite(piece, 1, got, all);
    }
    const bool good = all != NULL && fclose(all) == 0 && size > 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    const assay_status status =
        good ? text_write_file(path, text, size, error)
             : assay_fail(error, ASSAY_IO, "%s: gnuplot drew nothing: check the space there",
                          output);
    free(text);
    return status;
}

assay_status plot_image(const plot *const *plots, size_t count, size_t columns, const char *path,
                        assay_error *error)
{
    char folder[SCRATCH_FOLDER];
    char script[SCRATCH_PATH];
    char output[SCRATCH_PATH];
    bool there = true;
    assay_status status = scratch_make(folder, error);
    if (status != ASSAY_OK) {
        return status;
    }
    (void)snprintf(script, sizeof script, "%s/script", folder);
    (void)snprintf(output, sizeof output, "%s/image", folder);
    status = write_script(plots, count, columns, path, output, script, error);
    if (status == ASSAY_OK) {
        status = plot_gnuplot(folder, script, &there, error);
    }
    if (status == ASSAY_OK && !there) {
        status =
            assay_fail(error, ASSAY_IO, "gnuplot is missing: install it (Debian: gnuplot-nox)");
    }
    if (status == ASSAY_OK) {
        status = take_over(output, path, error);
    }
    (void)unlink(script);
    (void)unlink(output);
    plot_gnuplot_clean(folder);
    (void)rmdir(folder);
    return status;
}
