#include "reports/doc.h"

#include <stdlib.h>
#include <string.h>

#include "reports/doc_parts.h"

assay_status assay_parser_fail(const assay_parser *parser, size_t at, const char *what)
{
    if (at >= parser->size) {
        return assay_fail(
            parser->error, ASSAY_BAD_INPUT,
            "%s: byte %zu: the file ends inside a value: it was cut off; write it again",
            parser->doc->path, parser->size);
    }
    return assay_fail(parser->error, ASSAY_BAD_INPUT, "%s: byte %zu: %s", parser->doc->path, at,
                      what);
}

static void skip_space(assay_parser *parser)
{
    while (parser->at < parser->size && strchr(" \t\r\n", parser->text[parser->at]) != NULL &&
           parser->text[parser->at] != '\0') {
        parser->at++;
    }
}

static assay_status parse_value(assay_parser *parser, assay_node **node, int depth);

static assay_status new_node(assay_parser *parser, assay_node_kind kind, assay_node **node)
{
    if (parser->nodes >= ASSAY_DOC_NODES_MAX) {
        return assay_fail(parser->error, ASSAY_BAD_INPUT,
                          "%s: byte %zu: more than %d values that are not in lists of numbers",
                          parser->doc->path, parser->at, (int)ASSAY_DOC_NODES_MAX);
    }
    *node = assay_doc_alloc(parser->doc, sizeof **node);
    if (*node == NULL) {
        return assay_fail(parser->error, ASSAY_NO_MEMORY, "%s: out of memory", parser->doc->path);
    }
    parser->nodes++;
    **node = (assay_node){.kind = kind, .at = parser->at};
    return ASSAY_OK;
}

static bool push_number(assay_parser *parser, double value)
{
    if (parser->number_count == parser->number_room) {
        const size_t room = parser->number_room == 0 ? 4096 : parser->number_room * 2;
        double *const grown = realloc(parser->numbers, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        parser->numbers = grown;
        parser->number_room = room;
    }
    parser->numbers[parser->number_count++] = value;
    return true;
}

/* Behind a member: ',' goes on, the closing letter ends. */
static assay_status after_member(assay_parser *parser, char close, bool *more)
{
    skip_space(parser);
    const char here = parser->at < parser->size ? parser->text[parser->at] : '\0';
    if (here != ',' && here != close) {
        return assay_parser_fail(parser, parser->at,
                                 close == ']' ? "expected ',' or ']'" : "expected ',' or '}'");
    }
    parser->at++;
    *more = here == ',';
    skip_space(parser);
    return ASSAY_OK;
}

/* Numbers from here to the closing bracket. When something else comes, parser->at is put back and
 * nothing is taken: *packed is false. */
static assay_status parse_numbers(assay_parser *parser, assay_node *list, bool *packed)
{
    const size_t start = parser->at;
    bool more = true;
    parser->number_count = 0;
    while (more) {
        double value;
        const char here = parser->text[parser->at];
        if (here != '-' && (here < '0' || here > '9')) {
            parser->at = start;
            *packed = false;
            return ASSAY_OK;
        }
        assay_status status = assay_parser_number(parser, &value);
        if (status == ASSAY_OK && !push_number(parser, value)) {
            status =
                assay_fail(parser->error, ASSAY_NO_MEMORY, "%s: out of memory", parser->doc->path);
        }
        if (status == ASSAY_OK) {
            status = after_member(parser, ']', &more);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    const size_t bytes = parser->number_count * sizeof(double);
    double *const kept = assay_doc_alloc(parser->doc, bytes);
    if (kept == NULL) {
        return assay_fail(parser->error, ASSAY_NO_MEMORY, "%s: out of memory", parser->doc->path);
    }
    memcpy(kept, parser->numbers, bytes);
    list->kind = ASSAY_NODE_NUMBERS;
    list->count = parser->number_count;
    list->as.numbers = kept;
    *packed = true;
    return ASSAY_OK;
}

static assay_status parse_key(assay_parser *parser, const char **key)
{
    size_t length;
    if (parser->at >= parser->size || parser->text[parser->at] != '"') {
        return assay_parser_fail(parser, parser->at, "expected a key in quotes");
    }
    assay_status status = assay_parser_string(parser, key, &length);
    if (status == ASSAY_OK) {
        skip_space(parser);
        if (parser->at >= parser->size || parser->text[parser->at] != ':') {
            return assay_parser_fail(parser, parser->at, "expected ':' behind the key");
        }
        parser->at++;
        skip_space(parser);
    }
    return status;
}

/* Of two members with one key the second would be lost without a word. Looked for among the first
 * so many: no object of ours has more, and a file of nothing but keys must not take for ever. */
enum { KEYS_LOOKED_AT = 128 };

static bool has_key(const assay_node *object, const char *key)
{
    size_t count = 0;
    const assay_node *member = object->as.first;
    while (member != NULL && count++ < KEYS_LOOKED_AT && strcmp(member->key, key) != 0) {
        member = member->next;
    }
    return member != NULL && count <= KEYS_LOOKED_AT;
}

static assay_status parse_members(assay_parser *parser, assay_node *parent, int depth)
{
    const bool object = parent->kind == ASSAY_NODE_OBJECT;
    const char close = object ? '}' : ']';
    const assay_node **tail = &parent->as.first;
    bool more = true;
    while (more) {
        const char *key = NULL;
        assay_node *member = NULL;
        const size_t at = parser->at;
        assay_status status = object ? parse_key(parser, &key) : ASSAY_OK;
        if (status == ASSAY_OK && object && has_key(parent, key)) {
            status = assay_parser_fail(parser, at, "a key that this object has already");
        }
        if (status == ASSAY_OK) {
            status = parse_value(parser, &member, depth + 1);
        }
        if (status == ASSAY_OK) {
            member->key = key;
            *tail = member;
            tail = &member->next;
            parent->count++;
            status = after_member(parser, close, &more);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

static assay_status parse_container(assay_parser *parser, assay_node **node, int depth)
{
    const bool object = parser->text[parser->at] == '{';
    bool packed = false;
    assay_status status = new_node(parser, object ? ASSAY_NODE_OBJECT : ASSAY_NODE_LIST, node);
    if (status != ASSAY_OK) {
        return status;
    }
    if (depth >= ASSAY_DOC_DEPTH_MAX) {
        return assay_parser_fail(parser, parser->at, "nested too deeply");
    }
    parser->at++;
    skip_space(parser);
    if (parser->at < parser->size && parser->text[parser->at] == (object ? '}' : ']')) {
        parser->at++;
        return ASSAY_OK;
    }
    if (!object) {
        status = parse_numbers(parser, *node, &packed);
    }
    return status == ASSAY_OK && !packed ? parse_members(parser, *node, depth) : status;
}

static bool take_word(assay_parser *parser, const char *word)
{
    const size_t length = strlen(word);
    const bool here = strncmp(parser->text + parser->at, word, length) == 0;
    parser->at += here ? length : 0;
    return here;
}

static assay_status parse_value(assay_parser *parser, assay_node **node, int depth)
{
    const char here = parser->at < parser->size ? parser->text[parser->at] : '\0';
    if (here == '{' || here == '[') {
        return parse_container(parser, node, depth);
    }
    assay_status status = new_node(parser, ASSAY_NODE_NULL, node);
    if (status != ASSAY_OK) {
        return status;
    }
    if (here == '"') {
        (*node)->kind = ASSAY_NODE_TEXT;
        return assay_parser_string(parser, &(*node)->as.text, &(*node)->count);
    }
    if (take_word(parser, "null")) {
        return ASSAY_OK;
    }
    const bool truth = take_word(parser, "true");
    if (truth || take_word(parser, "false")) {
        (*node)->kind = ASSAY_NODE_BOOL;
        (*node)->as.truth = truth;
        return ASSAY_OK;
    }
    (*node)->kind = ASSAY_NODE_NUMBER;
    return assay_parser_number(parser, &(*node)->as.number);
}

assay_status assay_doc_parse(const char *name, const char *text, size_t size, assay_doc **doc,
                             assay_error *error)
{
    assay_parser parser = {.text = text, .size = size, .error = error};
    assay_node *root = NULL;
    assay_doc *const made = calloc(1, sizeof *made);
    *doc = NULL;
    if (made == NULL || (made->path = strdup(name)) == NULL) {
        free(made);
        return assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", name);
    }
    parser.doc = made;
    assay_doc_digest(text, size, made->digest);
    skip_space(&parser);
    assay_status status = parse_value(&parser, &root, 0);
    skip_space(&parser);
    if (status == ASSAY_OK && parser.at < size) {
        status = assay_parser_fail(&parser, parser.at, "something stands behind the JSON value");
    }
    free(parser.numbers);
    made->root = root;
    made->bytes = size;
    *doc = made;
    if (status != ASSAY_OK) {
        assay_doc_free(doc);
    }
    return status;
}
