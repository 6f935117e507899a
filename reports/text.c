#include "reports/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void text_html(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<': (void)fputs("&lt;", out); break;
        case '>': (void)fputs("&gt;", out); break;
        case '&': (void)fputs("&amp;", out); break;
        case '"': (void)fputs("&quot;", out); break;
        case '\'': (void)fputs("&#39;", out); break;
        default:
            if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t') {
                (void)fputc(*text, out);
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

/* RFC 4180. */
void text_csv(FILE *out, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '"' ? "\"\"" : (const char[]){*text, '\0'}, out);
    }
    (void)fputc('"', out);
}

void text_shell(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        (void)fputs(word, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *word != '\0'; word++) {
        (void)fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, out);
    }
    (void)fputc('\'', out);
}

static bool write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t wrote = write(file, text, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        text += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

assay_status text_write_file(const char *path, const char *text, size_t size, assay_error *error)
{
    char *partial = NULL;
    if (asprintf(&partial, "%s.partial", path) < 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", path);
    }
    const int file = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = file >= 0 && write_all(file, text, size) && fsync(file) == 0;
    int reason = errno;
    if (file >= 0) {
        good = close(file) == 0 && good;
    }
    if (good && rename(partial, path) != 0) {
        good = false;
        reason = errno;
    }
    if (!good && file >= 0) {
        (void)unlink(partial);
    }
    free(partial);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", path, strerror(reason));
}
