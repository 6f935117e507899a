/* Numbers and strings. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/doc_parts.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

typedef struct digits {
    uint64_t mantissa;
    int count;    /* that count for the mantissa: beyond 19 it no longer holds them */
    int exponent; /* of ten */
} digits;

static size_t take_digits(const char *text, size_t at, digits *d, bool fraction)
{
    for (; is_digit(text[at]); at++) {
        if (d->count < 19) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(text[at] - '0');
            d->count += d->mantissa != 0;
            d->exponent -= fraction;
        } else {
            d->count = 20;
        }
    }
    return at;
}

/* Products and quotients of two exact doubles are rounded once, so they are the nearest double;
 * everything else is left to strtod. */
static bool exactly(const digits *d, double *value)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->count > 19 || d->mantissa > (1ULL << 53) || d->exponent < -22 || d->exponent > 22) {
        return false;
    }
    *value = d->exponent < 0 ? (double)d->mantissa / tens[-d->exponent]
                             : (double)d->mantissa * tens[d->exponent];
    return true;
}

/* The exponent behind an 'e', clamped; at is moved past it. False when it has no digits. */
static bool take_exponent(const char *text, size_t *at, int *exponent)
{
    const bool negative = text[*at] == '-';
    int value = 0;
    *at += negative || text[*at] == '+';
    if (!is_digit(text[*at])) {
        return false;
    }
    for (; is_digit(text[*at]); (*at)++) {
        value = value < 100000 ? value * 10 + (text[*at] - '0') : value;
    }
    *exponent += negative ? -value : value;
    return true;
}

assay_status assay_parser_number(assay_parser *parser, double *value)
{
    const char *const text = parser->text;
    const size_t start = parser->at;
    size_t at = start + (text[start] == '-');
    digits d = {0};
    bool good = is_digit(text[at]) && !(text[at] == '0' && is_digit(text[at + 1]));
    at = take_digits(text, at, &d, false);
    if (good && text[at] == '.') {
        good = is_digit(text[at + 1]);
        at = take_digits(text, at + 1, &d, true);
    }
    if (good && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        good = take_exponent(text, &at, &d.exponent);
    }
    if (!good) {
        return assay_parser_fail(parser, start, "expected a JSON value");
    }
    parser->at = at;
    if (exactly(&d, value)) {
        *value = text[start] == '-' ? -*value : *value;
        return ASSAY_OK;
    }
    *value = strtod(text + start, NULL);
    return isfinite(*value) ? ASSAY_OK
                            : assay_parser_fail(parser, start, "a number too large for a double");
}

/* How many bytes the UTF-8 character at text has, 0 when it is none. Overlong forms, surrogates and
 * what lies beyond U+10FFFF are none. */
static size_t utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                 {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                 {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    if (text[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] >= forms[i].first_low && text[0] <= forms[i].first_high &&
            text[1] >= forms[i].second_low && text[1] <= forms[i].second_high) {
            for (size_t k = 2; k < forms[i].length; k++) {
                if ((text[k] & 0xC0) != 0x80) {
                    return 0;
                }
            }
            return forms[i].length;
        }
    }
    return 0;
}

static bool take_hex(const char *text, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const char c = text[i];
        const int digit = is_digit(c)            ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            return false;
        }
        *code = *code * 16 + (uint32_t)digit;
    }
    return true;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF0U << (4 - length)) | code);
    return length;
}

/* The escape behind a backslash at parser->at; 0 when it is none. */
static size_t take_escape(assay_parser *parser, char *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *const text = parser->text + parser->at + 1;
    const char *const found = text[0] != '\0' ? strchr(names, text[0]) : NULL;
    uint32_t code = 0;
    uint32_t low = 0;
    if (found != NULL) {
        *out = meant[found - names];
        parser->at += 2;
        return 1;
    }
    if (text[0] != 'u' || !take_hex(text + 1, &code) || code == 0) {
        return 0;
    }
    parser->at += 6;
    if (code >= 0xD800 && code < 0xDC00 && text[5] == '\\' && text[6] == 'u' &&
        take_hex(text + 7, &low) && low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        parser->at += 6;
    }
    return code >= 0xD800 && code < 0xE000 ? 0 : put_utf8(out, code);
}

/* Bytes up to the closing quote: at least what the string needs once its escapes are read. */
static size_t string_room(const assay_parser *parser)
{
    size_t at = parser->at + 1;
    while (at < parser->size && parser->text[at] != '"') {
        at += parser->text[at] == '\\' ? 2 : 1;
    }
    return at - parser->at;
}

assay_status assay_parser_string(assay_parser *parser, const char **text, size_t *length)
{
    const size_t start = parser->at;
    char *const out = assay_doc_alloc(parser->doc, string_room(parser) + 1);
    size_t used = 0;
    if (out == NULL) {
        return assay_fail(parser->error, ASSAY_NO_MEMORY, "%s: out of memory", parser->doc->path);
    }
    for (parser->at++; parser->text[parser->at] != '"';) {
        const unsigned char *const here = (const unsigned char *)parser->text + parser->at;
        size_t got = 0;
        if (parser->at >= parser->size) {
            return assay_parser_fail(parser, start, "a string that does not end");
        }
        if (*here == '\\') {
            got = take_escape(parser, out + used);
        } else if (*here >= 0x20) {
            got = utf8_length(here);
            memcpy(out + used, here, got);
            parser->at += got;
        }
        if (got == 0) {
            return assay_parser_fail(parser, parser->at,
                                     "not UTF-8, or an escape that JSON does not have");
        }
        used += got;
    }
    parser->at++;
    out[used] = '\0';
    *text = out;
    *length = used;
    return ASSAY_OK;
}
