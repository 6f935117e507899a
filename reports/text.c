#include "reports/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static text_short not_known(double value)
{
    text_short result;
    (void)snprintf(result.text, sizeof result.text, "%s",
                   isnan(value)  ? "–"
                   : value > 0.0 ? "∞"
                                 : "−∞");
    return result;
}

/* value / scale with three significant digits, without an exponent. */
static text_short three(double value, const char *gap, const char *unit)
{
    text_short result;
    const double size = fabs(value);
    if (size >= 1e6) { /* no prefix is left for it */
        (void)snprintf(result.text, sizeof result.text, "%.2e%s%s", value,
                       unit[0] != '\0' ? gap : "", unit);
        return result;
    }
    const int decimals = size >= 99.95 || size == 0.0 ? 0 : size >= 9.995 ? 1 : 2;
    (void)snprintf(result.text, sizeof result.text, "%.*f%s%s", decimals, value,
                   unit[0] != '\0' ? gap : "", unit);
    return result;
}

typedef struct prefix {
    double scale;
    const char *name;
} prefix;

static text_short scaled(double value, const prefix *table, size_t count)
{
    size_t i = 0;
    if (!isfinite(value)) {
        return not_known(value);
    }
    /* 999.6 would be printed as 1000. */
    while (i + 1 < count && fabs(value) < table[i].scale * 0.9995) {
        i++;
    }
    return three(value / table[i].scale, " ", table[i].name);
}

text_short text_si(double value)
{
    static const prefix table[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1.0, ""}};
    return value != 0.0 && fabs(value) < 0.1 ? text_small(value)
                                             : scaled(value, table, sizeof table / sizeof *table);
}

text_short text_seconds(double seconds)
{
    static const prefix table[] = {{1.0, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}};
    return scaled(seconds, table, sizeof table / sizeof *table);
}

text_short text_bytes(double bytes)
{
    static const prefix table[] = {
        {0x1p40, "TiB"}, {0x1p30, "GiB"}, {0x1p20, "MiB"}, {0x1p10, "KiB"}, {1.0, "B"}};
    return scaled(bytes, table, sizeof table / sizeof *table);
}

text_short text_small(double value)
{
    text_short result;
    if (!isfinite(value)) {
        return not_known(value);
    }
    (void)snprintf(result.text, sizeof result.text,
                   fabs(value) >= 1e-3 || value == 0.0 ? "%.3g" : "%.1e", value);
    return result;
}

text_short text_ratio(double ratio)
{
    text_short result;
    const double size = fabs(ratio);
    if (!isfinite(ratio)) {
        return not_known(ratio);
    }
    if (size >= 1e5 || (size < 1e-3 && size > 0.0)) {
        (void)snprintf(result.text, sizeof result.text, "%.1e×", ratio);
        return result;
    }
    (void)snprintf(result.text, sizeof result.text, "%.*f×",
                   size >= 99.95    ? 0
                   : size >= 9.995  ? 1
                   : size >= 0.9995 ? 2
                   : size >= 0.09995 ? 3
                                     : 4,
                   ratio);
    return result;
}

text_short text_percent(double fraction)
{
    text_short result;
    if (!isfinite(fraction)) {
        return not_known(fraction);
    }
    const double percent = 100.0 * fraction;
    (void)snprintf(result.text, sizeof result.text,
                   percent >= 10.0 || percent == 0.0 ? "%.0f %%"
                   : percent >= 0.1                  ? "%.1f %%"
                                                     : "%.0e %%",
                   percent);
    return result;
}

text_short text_count(double count)
{
    text_short result;
    char digits[32];
    size_t used = 0;
    if (!isfinite(count)) {
        return not_known(count);
    }
    (void)snprintf(digits, sizeof digits, "%.0f", fmin(fabs(count), 1e18));
    const size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            result.text[used++] = ',';
        }
        result.text[used++] = digits[i];
    }
    result.text[used] = '\0';
    return result;
}

size_t text_letter(const char *text)
{
    const unsigned char first = (unsigned char)text[0];
    const size_t length = first < 0x80                    ? 1
                          : first >= 0xC2 && first < 0xE0 ? 2
                          : first >= 0xE0 && first < 0xF0 ? 3
                          : first >= 0xF0 && first < 0xF5 ? 4
                                                          : 0;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* U+FFFE and U+FFFF are letters of UTF-8 that XML does not allow */
    return strncmp(text, "\xEF\xBF\xBE", 3) == 0 || strncmp(text, "\xEF\xBF\xBF", 3) == 0
               ? 0
               : length;
}

/* Names of files may hold any byte, and texts that were cut a torn letter. */
void text_html(FILE *out, const char *text)
{
    for (size_t length; *text != '\0'; text += length) {
        const size_t whole = text_letter(text);
        length = whole > 0 ? whole : 1;
        switch (*text) {
        case '<': (void)fputs("&lt;", out); break;
        case '>': (void)fputs("&gt;", out); break;
        case '&': (void)fputs("&amp;", out); break;
        case '"': (void)fputs("&quot;", out); break;
        case '\'': (void)fputs("&#39;", out); break;
        default:
            if (whole == 0) {
                (void)fputs("\xEF\xBF\xBD", out); /* U+FFFD, the replacement character */
            } else if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t') {
                (void)fwrite(text, 1, whole, out);
            }
        }
    }
}

void text_markdown(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r') {
            (void)fputc(' ', out);
        } else {
            if (strchr("|`*_<>[]\\", *text) != NULL) {
                (void)fputc('\\', out);
            }
            (void)fputc(*text, out);
        }
    }
}

/* RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front, which
 * spreadsheets take for "this is text". */
void text_csv(FILE *out, const char *text)
{
    const char *const before = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL ? "'" : "";
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        (void)fprintf(out, "%s%s", before, text);
        return;
    }
    (void)fprintf(out, "\"%s", before);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '"' ? "\"\"" : (const char[]){*text, '\0'}, out);
    }
    (void)fputc('"', out);
}

/* With a line break in it a command would be several lines, and not code any more where it is
 * shown: escapes of bash keep it one. */
static void shell_escaped(FILE *out, const char *word)
{
    (void)fputs("$'", out);
    for (; *word != '\0'; word++) {
        if ((unsigned char)*word < 0x20 || *word == 0x7F) {
            (void)fprintf(out, "\\x%02x", (unsigned)*word);
        } else {
            (void)fprintf(out, "%s%c", *word == '\'' || *word == '\\' ? "\\" : "", *word);
        }
    }
    (void)fputc('\'', out);
}

static bool has_control(const char *word)
{
    while (*word != '\0' && (unsigned char)*word >= 0x20 && *word != 0x7F) {
        word++;
    }
    return *word != '\0';
}

void text_shell(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        (void)fputs(word, out);
        return;
    }
    if (has_control(word)) {
        shell_escaped(out, word);
        return;
    }
    (void)fputc('\'', out);
    for (; *word != '\0'; word++) {
        (void)fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, out);
    }
    (void)fputc('\'', out);
}
