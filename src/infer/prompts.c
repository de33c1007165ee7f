/* Files of prompts (prompts.h has the two forms). Errors say file, line and column, and what is wanted there. */
#include "infer/prompts.h"

#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "corpus/record.h"
#include "io/line_reader.h"

typedef struct place { /* where a record stands, for errors */
    const char *path;
    size_t line;
} place;

/* An error at this place: WHAT, or WHAT 'WHICH'. */
static gr_status wrong(const place *at, const char *hint, const char *what, const char *which, gr_error *err) {
    char text[GR__PLACE_SIZE];
    gr__place_text(text, at->path, at->line, 1);
    return gr_error_set(err, GR_ERR_FORMAT, text, hint, "%s%s%.60s%s", what, which ? " '" : "", which ? which : "",
                        which ? "'" : "");
}

/* The list of regions to switch off. */
static gr_status read_off(gr__prompt *prompt, gr_arena *arena, const json_t *value, const place *at, gr_error *err) {
    static const char hint[] = "name the regions: \"off\": [\"biology\"]";
    if (!json_is_array(value))
        return wrong(at, hint, "'off' is not a list", NULL, err);

    prompt->off = gr_arena_alloc(arena, (json_array_size(value) + 1) * sizeof *prompt->off);

    /* Whether the model has such a region is not known here. */
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *name = json_array_get(value, i);
        if (!json_is_string(name))
            return wrong(at, hint, "'off' holds something that is not a text", NULL, err);
        if (!gr__text_is_name(json_string_value(name), json_string_length(name)))
            return wrong(at, hint, "'off' holds something that is not a name", NULL, err);
        prompt->off[prompt->offs++] = gr_arena_strdup(arena, json_string_value(name));
    }
    return GR_OK;
}

/* A prompt from its JSON object, which may have the members that prompts.h lists and no others. */
static gr_status read_record(gr__prompts *list, const json_t *object, const place *at, gr_error *err) {
    gr__prompt prompt = {0};
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return wrong(at, "each line holds one {\"prompt\": TEXT}", "the line is not a JSON object", NULL, err);

    json_object_foreach((json_t *)object, key, value) {
        /* The text may be empty and hold any character; a prompt that is no text is refused below. */
        if (strcmp(key, "prompt") == 0 && json_is_string(value)) {
            prompt.length = json_string_length(value);
            prompt.text = gr_arena_strndup(list->arena, json_string_value(value), prompt.length);
        } else if (strcmp(key, "off") == 0) {
            GR_TRY(read_off(&prompt, list->arena, value, at, err));
        } else if (strcmp(key, "seed") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0)
                return wrong(at, "a number of at most 63 bits", "'seed' is not an integer from 0", NULL, err);
            prompt.seeded = true;
            prompt.seed = (uint64_t)json_integer_value(value);
        } else if (strcmp(key, "prompt") != 0) {
            return wrong(at, "known are prompt, off and seed", "unknown member", key, err);
        }
    }

    if (!prompt.text)
        return wrong(at, "each line holds one {\"prompt\": TEXT}", "the record has no text 'prompt'", NULL, err);
    GR_PUSH(list->at, list->count, list->capacity) = prompt;
    return GR_OK;
}

/* A line of JSON Lines: one prompt with its profile and settings. */
static gr_status read_json(gr__prompts *list, const gr__lines *line, const char *path, gr_error *err) {
    const place at = {path, line->number};
    json_t *object;
    GR_TRY(gr__json_foreign(&object, line->text, line->length,
                            &(gr__json_from){path, line->number, "each line holds one complete JSON object", false},
                            err));
    gr_status status = read_record(list, object, &at, err);
    json_decref(object);
    return status;
}

static bool ends_in(const char *path, const char *end) {
    const size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

gr_status gr__prompts_read(gr__prompts *list, const char *path, gr_error *err) {
    const size_t before = list->count;
    const bool json = ends_in(path, ".jsonl") || ends_in(path, ".json");
    char *bytes;
    size_t length;
    GR_TRY(gr__file_read_text(&bytes, &length, path, "check the path of the prompts", err));

    /* The file is read as a whole, and its prompts copied. */
    if (!list->arena)
        list->arena = gr_arena_new();

    /* Blank lines are no prompts. */
    gr__lines line = {.next = bytes, .end = bytes + length};
    gr_status status = GR_OK;
    while (status == GR_OK && gr__lines_next(&line)) {
        if (json && !gr__record_is_blank(line.text, line.length))
            status = read_json(list, &line, path, err);
        else if (!json && line.length)
            GR_PUSH(list->at, list->count, list->capacity) =
                (gr__prompt){.text = gr_arena_strndup(list->arena, line.text, line.length), .length = line.length};
    }

    gr_free(bytes);
    if (status == GR_OK && list->count == before)
        return gr_error_set(err, GR_ERR_FORMAT, path, "write one a line; the start of a document is --prompt ''",
                            "there is no prompt in it");
    return status;
}

void gr__prompts_free(gr__prompts *list) {
    gr_free(list->at);
    if (list->arena)
        gr_arena_free(list->arena);
    *list = (gr__prompts){0};
}
