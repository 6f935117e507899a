#include "reports/plot_svg.h"

#include <stdlib.h>
#include <string.h>

#include "reports/plot_script.h"
#include "reports/text.h"

/* The forms that gnuplot's points refer to, shared by all drawings of a page (sizes as gnuplot's).
 */
const char plot_marks[] =
    "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>"
    "<circle id=\"gpDot\" r=\"0.5\" fill=\"currentColor\"/>"
    "<rect id=\"gpPt3\" stroke-width=\"0.4\" stroke=\"currentColor\" fill=\"none\" x=\"-1\" "
    "y=\"-1\" "
    "width=\"2\" height=\"2\"/>"
    "<rect id=\"gpPt4\" fill=\"currentColor\" stroke=\"none\" x=\"-1\" y=\"-1\" width=\"2\" "
    "height=\"2\"/>"
    "<circle id=\"gpPt5\" stroke-width=\"0.4\" stroke=\"currentColor\" fill=\"none\" r=\"1\"/>"
    "<circle id=\"gpPt6\" fill=\"currentColor\" stroke=\"none\" r=\"1\"/>"
    "<path id=\"gpPt8\" fill=\"currentColor\" stroke=\"none\" d=\"M0,-1.33 L-1.33,0.67 L1.33,0.67 "
    "z\"/>"
    "<path id=\"gpPt10\" fill=\"currentColor\" stroke=\"none\" d=\"M0,1.33 L-1.33,-0.67 "
    "L1.33,-0.67 "
    "z\"/>"
    "<path id=\"gpPt12\" fill=\"currentColor\" stroke=\"none\" d=\"M0,-1.41 L1.41,0 L0,1.41 "
    "L-1.41,0 "
    "z\"/>"
    "<path id=\"gpPt14\" fill=\"currentColor\" stroke=\"none\" d=\"M0,1.330 L1.265,0.411 "
    "L0.782,-1.067 L-0.782,-1.076 L-1.265,0.411 z\"/>"
    "</defs></svg>\n";

static void put_colour(FILE *out, int red, int green, int blue)
{
    if (red != 1 || green != 0) {
        (void)fputs("currentColor", out);
    } else if (blue >= PLOT_CODE_SERIES) {
        (void)fprintf(out, "var(--s%d)", blue - PLOT_CODE_SERIES);
    } else {
        static const char *const names[] = {"ink", "ink", "muted", "grid", "bad", "paper"};
        (void)fprintf(out, "var(--%s)", names[blue >= 1 && blue <= PLOT_CODE_PAPER ? blue : 1]);
    }
}

/* An attribute with its leading space left out when text begins with it; 0 when it does not. */
static size_t attribute(const char *text, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(text, name, length) != 0 || (text[length] != '"' && text[length] != '\'')) {
        return 0;
    }
    const char *const close = strchr(text + length + 1, text[length]);
    return close != NULL ? (size_t)(close + 1 - text) : 0;
}

static const char *put_piece(FILE *out, const char *text)
{
    int rgb[3];
    int used = 0;
    const size_t dropped =
        attribute(text, " id=") + attribute(text, " font-family=") + attribute(text, " class=");
    if (dropped > 0) {
        return text + dropped;
    }
    if (strncmp(text, "<title>", 7) == 0) {
        const char *const close = strstr(text, "</title>");
        return close != NULL ? close + 8 : text + strlen(text);
    }
    if (sscanf(text, "rgb( %d , %d , %d )%n", &rgb[0], &rgb[1], &rgb[2], &used) == 3 && used > 0) {
        put_colour(out, rgb[0], rgb[1], rgb[2]);
        return text + used;
    }
    if (strncmp(text, "'white'", 7) == 0) { /* a halo behind a point */
        (void)fputs("'var(--paper)'", out);
        return text + 7;
    }
    if (strncmp(text, "xlink:href", 10) == 0) {
        (void)fputs("href", out);
        return text + 10;
    }
    const size_t whole = text_letter(text); /* gnuplot cuts long labels, in the middle of letters */
    (void)fwrite(text, 1, whole, out);
    return text + (whole > 0 ? whole : 1);
}

/* Groups that hold nothing are a third of what gnuplot writes. */
static bool is_empty_group(const char *line, const char *next)
{
    return strncmp(line, "<g ", 3) == 0 && strncmp(next, "</g>", 4) == 0;
}

static void clean(FILE *out, char *text)
{
    for (char *line = text; *line != '\0';) {
        char *const end = line + strcspn(line, "\n");
        char *const next = *end != '\0' ? end + 1 : end;
        if (is_empty_group(line, next)) {
            line = next + strcspn(next, "\n");
            line += *line != '\0';
            continue;
        }
        for (const char *at = line + strspn(line, " \t"); at < next;) {
            at = put_piece(out, at);
        }
        line = next;
    }
}

static char *read_text(const char *path)
{
    FILE *const file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (file != NULL && getdelim(&text, &room, '\0', file) <= 0) {
        free(text);
        text = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

bool plot_svg_clean(const char *path, const char *title, FILE *out)
{
    char *const text = read_text(path);
    const char *const box = text != NULL ? strstr(text, "viewBox=\"") : NULL;
    char *const body = text != NULL ? strstr(text, "</defs>") : NULL;
    const bool good = box != NULL && body != NULL;
    if (good) {
        (void)fprintf(out, "<svg class=\"plot\" role=\"img\" viewBox=\"%.*s\" aria-label=\"",
                      (int)strcspn(box + 9, "\""), box + 9);
        text_html(out, title);
        (void)fputs("\"><g>", out); /* gnuplot's own first group was opened before the marks */
        clean(out, body + sizeof "</defs>" - 1);
    }
    free(text);
    return good;
}
