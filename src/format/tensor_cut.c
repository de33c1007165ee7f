/* tensor_cut.c - parameters cut along the borders of regions, so that each region's numbers lie in a file of its own:
 * the cut, its form in a manifest, and the check that a list of pieces covers every parameter exactly once. */
#include "format/tensor_cut.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT(err, place, ...) gr_error_set((err), GR_ERR_FORMAT, (place), NULL, __VA_ARGS__)
enum { MOST = 4096 }; /* pieces of one parameter */

void gr__tensor_cut_free(gr__tensor_cut *cut) {
    if (cut->arena)
        gr_arena_free(cut->arena);
    gr_free(cut->tensor);
    *cut = (gr__tensor_cut){0};
}

char *gr__tensor_cut_file(const gr__blueprint *blueprint, int file) {
    return gr_format("%s.safetensors", file == GR_NONE ? "model" : blueprint->def->regions[file].name);
}

/* ---- cutting ---- */

/* The parameter's name, with a number behind it where several of its pieces go into one file. */
static const char *tensor_name(gr_arena *arena, const char *param, const gr__owned *owned, int count, int i) {
    int before = 0, all = 0;
    for (int j = 0; j < count; j++)
        if (owned[j].region == owned[i].region) {
            before += j < i;
            all++;
        }

    if (all == 1)
        return gr_arena_strdup(arena, param);
    char *text = gr_format("%s.%d", param, before);
    const char *name = gr_arena_strdup(arena, text);
    gr_free(text);
    return name;
}

void gr__tensor_cut_make(gr__tensor_cut *cut, const gr__blueprint *blueprint) {
    *cut = (gr__tensor_cut){.arena = gr_arena_new()};
    for (int p = 0; p < blueprint->params; p++) {
        int count;
        gr__owned *owned = gr__blueprint_cut(blueprint, &count, p);
        for (int i = 0; i < count; i++)
            GR_PUSH(cut->tensor, cut->count, cut->capacity) = (gr__tensor){
                owned[i].rect, owned[i].region, tensor_name(cut->arena, blueprint->param[p].def.name, owned, count, i)};
        gr_free(owned);
    }
}

/* ---- JSON ---- */

/* The rectangle as members of an object: its parameter by name, rows and columns. */
static void set_rect(json_t *value, const gr__blueprint *blueprint, gr_rect rect) {
    json_object_set_new(value, "param", json_string(blueprint->param[rect.param].def.name));
    json_object_set_new(value, "lo0", json_integer(rect.lo0));
    json_object_set_new(value, "hi0", json_integer(rect.hi0));
    json_object_set_new(value, "lo1", json_integer(rect.lo1));
    json_object_set_new(value, "hi1", json_integer(rect.hi1));
}

json_t *gr__tensor_cut_json(const gr__tensor_cut *cut, const gr__blueprint *blueprint) {
    json_t *list = json_array();
    for (int i = 0; i < cut->count; i++) {
        char *file = gr__tensor_cut_file(blueprint, cut->tensor[i].file);
        json_t *value = json_object();
        json_object_set_new(value, "tensor", json_string(cut->tensor[i].name));
        set_rect(value, blueprint, cut->tensor[i].rect);
        json_object_set_new(value, "file", json_string(file));
        json_array_append_new(list, value);
        gr_free(file);
    }
    return list;
}

/* The rectangles of every region, for readers that do not know architectures: what is a region's, and what may be left
 * out. */
json_t *gr__regions_json(const gr__blueprint *blueprint) {
    json_t *list = json_array();
    for (int r = 0; r < blueprint->def->region_count; r++) {
        json_t *region = json_object(), *rects = json_array();

        for (int p = 0; p < blueprint->params; p++) {
            gr_rect rect[GR__RECTS_MOST];
            int n = gr__blueprint_rects(blueprint, rect, p, r);
            for (int i = 0; i < n; i++) {
                json_t *value = json_object();
                set_rect(value, blueprint, rect[i]);
                json_array_append_new(rects, value);
            }
        }

        json_object_set_new(region, "name", json_string(blueprint->def->regions[r].name));
        json_object_set_new(region, "parts", rects);
        json_array_append_new(list, region);
    }
    return list;
}

/* ---- reading ---- */

/* A row or column of a piece. */
static gr_status read_number(int *to, const json_t *value, const char *key, const char *place, gr_error *err) {
    json_t *member;
    GR_TRY(gr_json_member(value, &member, key, JSON_INTEGER, place, err));
    json_int_t n = json_integer_value(member);
    if (n < 0 || n > INT_MAX)
        return FORMAT(err, place, "'%s' of a piece is %lld", key, (long long)n);
    *to = (int)n;
    return GR_OK;
}

/* The region that a file belongs to, GR_NONE for the core's. */
static gr_status read_file(int *file, const gr__blueprint *blueprint, const char *name, const char *place,
                           gr_error *err) {
    for (*file = GR_NONE; *file < blueprint->def->region_count; ++*file) {
        char *known = gr__tensor_cut_file(blueprint, *file);
        bool match = !strcmp(known, name);
        gr_free(known);
        if (match)
            return GR_OK;
    }
    return FORMAT(err, place, "a piece is in '%s', which belongs to no region", name);
}

/* One piece as the manifest lists it, checked against the parameter that it is of. */
static gr_status read_piece(gr__tensor_cut *cut, const gr__blueprint *blueprint, const json_t *value, const char *place,
                            gr_error *err) {
    json_t *tensor, *param, *file;
    gr__tensor t = {0};
    if (!json_is_object(value))
        return FORMAT(err, place, "a piece is not an object");

    /* Its names and its rectangle. */
    GR_TRY(gr_json_member(value, &tensor, "tensor", JSON_STRING, place, err));
    GR_TRY(gr_json_member(value, &param, "param", JSON_STRING, place, err));
    GR_TRY(gr_json_member(value, &file, "file", JSON_STRING, place, err));
    GR_TRY(read_number(&t.rect.lo0, value, "lo0", place, err));
    GR_TRY(read_number(&t.rect.hi0, value, "hi0", place, err));
    GR_TRY(read_number(&t.rect.lo1, value, "lo1", place, err));
    GR_TRY(read_number(&t.rect.hi1, value, "hi1", place, err));

    /* Which file, which parameter, and whether the rectangle lies in it. */
    GR_TRY(read_file(&t.file, blueprint, json_string_value(file), place, err));
    t.rect.param = gr__blueprint_find(blueprint, json_string_value(param));
    if (t.rect.param == GR_NONE)
        return FORMAT(err, place, "a piece is of '%s', which the network does not have", json_string_value(param));
    const gr_param_def *def = &blueprint->param[t.rect.param].def;
    if (t.rect.lo0 >= t.rect.hi0 || t.rect.hi0 > def->rows || t.rect.lo1 >= t.rect.hi1 || t.rect.hi1 > def->cols)
        return FORMAT(err, place, "rows %d..%d, columns %d..%d do not fit '%s' [%d x %d]", t.rect.lo0, t.rect.hi0,
                      t.rect.lo1, t.rect.hi1, def->name, def->rows, def->cols);

    t.name = gr_arena_strdup(cut->arena, json_string_value(tensor));
    GR_PUSH(cut->tensor, cut->count, cut->capacity) = t;
    return GR_OK;
}

/* By parameter, then by the first row, then by the first column. */
static int by_place(const void *a, const void *b) {
    const gr_rect *x = &((const gr__tensor *)a)->rect, *y = &((const gr__tensor *)b)->rect;
    if (x->param != y->param)
        return x->param - y->param;
    return x->lo0 != y->lo0 ? x->lo0 - y->lo0 : x->lo1 - y->lo1;
}

static bool overlap(const gr_rect *x, const gr_rect *y) {
    return x->lo0 < y->hi0 && y->lo0 < x->hi0 && x->lo1 < y->hi1 && y->lo1 < x->hi1;
}

/* Pieces [0, n) of one parameter: without overlap, and as large together as the parameter. */
static gr_status check_tiles(const gr__tensor *tensor, int n, const gr_param_def *def, const char *place,
                             gr_error *err) {
    int64_t area = 0;

    if (n > MOST)
        return FORMAT(err, place, "'%s' is cut into %d pieces, at most %d are read", def->name, n, MOST);

    /* Sorted by their first row, a piece can only meet those that begin before its last. */
    for (int i = 0; i < n; i++) {
        const gr_rect *x = &tensor[i].rect;
        area += (int64_t)(x->hi0 - x->lo0) * (x->hi1 - x->lo1);
        for (int j = i + 1; j < n && tensor[j].rect.lo0 < x->hi0; j++)
            if (overlap(x, &tensor[j].rect))
                return FORMAT(err, place, "pieces '%s' and '%s' of '%s' overlap", tensor[i].name, tensor[j].name,
                              def->name);
    }

    if (area != (int64_t)def->rows * def->cols)
        return FORMAT(err, place, "the pieces of '%s' hold %lld of its %lld numbers", def->name, (long long)area,
                      (long long)def->rows * def->cols);
    return GR_OK;
}

gr_status gr__tensor_cut_read(gr__tensor_cut *cut, const gr__blueprint *blueprint, const json_t *value,
                              const char *place, gr_error *err) {
    *cut = (gr__tensor_cut){.arena = gr_arena_new()};
    for (size_t i = 0; i < json_array_size(value); i++)
        GR_TRY(read_piece(cut, blueprint, json_array_get(value, i), place, err));
    if (!cut->count)
        return FORMAT(err, place, "'pieces' is empty");

    /* Sorted, the pieces of each parameter stand together. */
    qsort(cut->tensor, (size_t)cut->count, sizeof *cut->tensor, by_place);
    for (int p = 0, at = 0; p < blueprint->params; p++) {
        int n = 0;
        while (at + n < cut->count && cut->tensor[at + n].rect.param == p)
            n++;
        GR_TRY(check_tiles(cut->tensor + at, n, &blueprint->param[p].def, place, err));
        at += n;
    }
    return GR_OK;
}
