/* word_list.c - finds whole words and phrases of a list in texts: one pass, a look-up for each word of the text.
 *
 * A text is cut into words and the gaps between them. Words are compared folded (Unicode case folding of the canonical
 * decomposition), gaps with each run of white space as one blank. An entry is a chain of words and gaps that hangs on
 * its first word.
 */
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/names.h"
#include "io/line_reader.h"
#include "label/word_list.h"
#include "text/words.h"

enum { PARTS_MOST = 64, ENTRIES_MOST = 1 << 20 };

typedef struct part {
    int32_t word;    /* in gr__words.words */
    const char *gap; /* that follows, as gap_text writes it; NULL behind the last word */
} part;

typedef struct entry {
    const char *text; /* as it was given */
    part *parts;
    int count;
    int64_t next; /* the next entry that begins with the same word, -1 */
    size_t found;
} entry;

/* A word of a text. */
typedef struct word {
    size_t from, to;
    int32_t number; /* -1: in no entry */
} word;

struct gr__words {
    gr_arena *arena;
    gr__names words;
    int64_t *starts; /* [words] first entry that begins with the word, -1 */
    size_t starts_count, starts_capacity;
    entry *entries;
    size_t count, capacity;
    word *line; /* words of the text at hand */
    size_t line_count, line_capacity;
};

/* ---- Gaps ---- */

/* Whether a stretch of text equals a gap in which runs of white space are one blank. */
static bool gap_equals(const char *gap, const char *text, size_t length) {
    size_t n;
    for (size_t at = 0; at < length; gap++) {
        /* A run of white space equals one blank, of whatever characters it is. */
        int kind = gr__word_kind(text + at, length - at, &n);
        if (kind == GR__WORD_SPACE) {
            if (*gap != ' ')
                return false;
            while (at < length && gr__word_kind(text + at, length - at, &n) == GR__WORD_SPACE)
                at += n;
            continue;
        }
        if (*gap == '\0' || strncmp(gap, text + at, n) != 0) /* a text may hold zeros */
            return false;
        gap += n - 1;
        at += n;
    }
    return *gap == '\0';
}

/* What stands between two words, with each run of white space as one blank; the room is zeroed, which ends the
 * string. */
static char *gap_text(gr_arena *arena, const char *text, size_t length) {
    char *gap = gr_arena_alloc(arena, length + 1), *out = gap;
    size_t n;
    for (size_t at = 0; at < length; at += n) {
        if (gr__word_kind(text + at, length - at, &n) != GR__WORD_SPACE) {
            memcpy(out, text + at, n);
            out += n;
        } else if (out == gap || out[-1] != ' ') {
            *out++ = ' ';
        }
    }
    return gap;
}

/* ---- Lists ---- */

/* Whether two entries are the same words with the same gaps: one spelled twice. */
static bool same_parts(const entry *a, const entry *b) {
    for (int i = 0; i < a->count; i++)
        if (i >= b->count || a->parts[i].word != b->parts[i].word ||
            (a->parts[i].gap == NULL) != (b->parts[i].gap == NULL) ||
            (a->parts[i].gap && strcmp(a->parts[i].gap, b->parts[i].gap) != 0))
            return false;
    return a->count == b->count;
}

/* The number of a word; a new one begins no entry yet. */
static int32_t add_word(gr__words *w, const char *folded, size_t length) {
    uint32_t number = gr__names_add(&w->words, folded, length);
    if (number == w->starts_count)
        GR_PUSH(w->starts, w->starts_count, w->starts_capacity) = -1;
    return (int32_t)number;
}

/* Keeps the entry, unless it is there already, in the chain of those that begin with the same word. */
static void link_entry(gr__words *w, const entry *e) {
    int64_t *start = &w->starts[e->parts[0].word];
    for (int64_t i = *start; i >= 0; i = w->entries[i].next)
        if (same_parts(&w->entries[i], e))
            return;
    GR_PUSH(w->entries, w->count, w->capacity) = *e;
    w->entries[w->count - 1].next = *start;
    *start = (int64_t)w->count - 1;
}

/* NULL, or what is wrong with the entry. */
static const char *add_entry(gr__words *w, const char *text, size_t length) {
    entry e = {.next = -1};
    part parts[PARTS_MOST];
    word now;
    size_t at = 0, last = 0, n;
    bool plain;
    char folded[GR__FOLDED_MOST];

    /* What no text can match is refused, with what is wrong with it. */
    if (length > GR__WORD_MOST * PARTS_MOST)
        return "is too long";
    if (memchr(text, 0, length))
        return "holds the character U+0000";

    /* Word by word: the gap before it belongs to the word before. */
    while (gr__word_next(text, length, &at, &now.from, &now.to, &plain)) {
        if (!e.count && now.from)
            return "begins with neither a letter nor a digit, so no word of a text can match";
        if (e.count)
            parts[e.count - 1].gap = gap_text(w->arena, text + last, now.from - last);
        size_t bytes = gr__word_fold(folded, text + now.from, now.to - now.from, plain);
        if (!bytes || e.count == PARTS_MOST)
            return bytes ? "has more than 64 words" : "has a word of more than 256 bytes";
        parts[e.count++] = (part){add_word(w, folded, bytes), NULL};
        last = now.to;
    }

    /* A byte of no character would be a gap that no text has. */
    for (size_t i = 0; i < length; i += n)
        if (gr__word_kind(text + i, length - i, &n) == GR__WORD_OTHER && (unsigned char)text[i] >= 0x80 && n == 1)
            return "is not UTF-8";
    if (!e.count || last != length)
        return e.count ? "ends in neither a letter nor a digit, so no word of a text can match" : "has no word";
    if (w->count == ENTRIES_MOST)
        return "is one of more than a million";

    /* Keep it. */
    e.text = gr_arena_strndup(w->arena, text, length);
    e.parts = gr_arena_alloc(w->arena, (size_t)e.count * sizeof *e.parts);
    memcpy(e.parts, parts, (size_t)e.count * sizeof *e.parts);
    link_entry(w, &e);
    return NULL;
}

/* Takes white space (ASCII) from both ends. */
static void trim(const char **text, size_t *length) {
    while (*length && ((*text)[*length - 1] == ' ' || ((*text)[*length - 1] >= '\t' && (*text)[*length - 1] <= '\r')))
        --*length;
    while (*length && (**text == ' ' || (**text >= '\t' && **text <= '\r')))
        ++*text, --*length;
}

/* Every line but empty ones and comments. */
static gr_status read_lines(gr__words *w, const char *path, const char *bytes, size_t length, gr_error *err) {
    gr__lines lines = {.next = bytes, .end = bytes + length};
    while (gr__lines_next(&lines)) {
        const char *text = lines.text;
        size_t n = lines.length;
        trim(&text, &n);
        if (!n || *text == '#')
            continue;

        /* An error names the line. */
        const char *wrong = add_entry(w, text, n);
        char place[GR__PLACE_SIZE];
        if (wrong)
            return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, path, lines.number, 0),
                                "a line holds a word or a phrase", "\"%.*s\" %s", n < 60 ? (int)n : 60, text, wrong);
    }
    return GR_OK;
}

/* Entries from a file, a line each. */
static gr_status read_file(gr__words *w, const char *path, gr_error *err) {
    char *bytes;
    size_t length;
    GR_TRY(gr__file_read_text(&bytes, &length, path, "words: FILE is a file; a single word is written words: [WORD]",
                              err));
    gr_status status = read_lines(w, path, bytes, length, err);
    gr_free(bytes);
    return status;
}

/* Entries from the recipe. */
static gr_status read_list(gr__words *w, const gr_label_arg *arg, const char *owner, gr_error *err) {
    for (int i = 0; i < arg->count; i++) {
        const char *text = arg->texts[i], *wrong;
        size_t n = strlen(text);
        trim(&text, &n);
        wrong = add_entry(w, text, n);
        if (wrong)
            return gr_error_set(err, GR_ERR_USAGE, owner, "words: [tree, \"oak tree\"]", "\"%.60s\" %s", arg->texts[i],
                                wrong);
    }
    return GR_OK;
}

gr_status gr__words_new(gr__words **out, const gr_label_arg *arg, const char *owner, gr_error *err) {
    gr__words *w = gr_alloc(sizeof *w);
    w->arena = w->words.arena = gr_arena_new();

    /* From a file or a list; an empty one is a mistake in the recipe or the file. */
    gr_status status = arg->text ? read_file(w, arg->text, err) : read_list(w, arg, owner, err);
    if (status == GR_OK && !w->count)
        status = gr_error_set(err, arg->text ? GR_ERR_FORMAT : GR_ERR_USAGE, arg->text ? arg->text : owner,
                              "name at least one word", "the list of words is empty");
    *out = status == GR_OK ? w : NULL;
    if (status != GR_OK)
        gr__words_free(w);
    return status;
}

void gr__words_free(gr__words *w) {
    if (!w)
        return;
    gr__names_clear(&w->words);
    gr_arena_free(w->arena);
    gr_free(w->starts);
    gr_free(w->entries);
    gr_free(w->line);
    gr_free(w);
}

size_t gr__words_count(const gr__words *w) { return w->count; }
gr_label_match gr__words_match(const gr__words *w, size_t i) {
    return (gr_label_match){w->entries[i].text, w->entries[i].found};
}

/* ---- Texts ---- */

/* Cuts a text into words, with the number of each in the list. */
static void cut(gr__words *w, const char *text, size_t length) {
    size_t at = 0;
    char folded[GR__FOLDED_MOST];
    bool plain;
    word now;
    w->line_count = 0;
    while (gr__word_next(text, length, &at, &now.from, &now.to, &plain)) {
        size_t n = gr__word_fold(folded, text + now.from, now.to - now.from, plain);
        now.number = n ? (int32_t)gr__names_find(&w->words, folded, n) : -1;
        GR_PUSH(w->line, w->line_count, w->line_capacity) = now;
    }
}

/* Whether an entry stands at word i of the text, whose first word is known to fit: further words first, which are
 * compared by number, then gaps. */
static bool stands_at(const gr__words *w, const entry *e, size_t i, const char *text) {
    if (i + (size_t)e->count > w->line_count)
        return false;
    const word *line = w->line + i;
    for (int p = 1; p < e->count; p++)
        if (line[p].number != e->parts[p].word)
            return false;
    for (int p = 0; p + 1 < e->count; p++)
        if (!gap_equals(e->parts[p].gap, text + line[p].to, line[p + 1].from - line[p].to))
            return false;
    return true;
}

void gr__words_find(gr__words *w, gr__spans *spans, const char *text, size_t length) {
    cut(w, text, length);
    for (size_t i = 0; i < w->line_count; i++) {
        /* Only entries that begin with this word can stand here. */
        int64_t first = w->line[i].number < 0 ? -1 : w->starts[w->line[i].number];
        for (int64_t k = first; k >= 0; k = w->entries[k].next) {
            entry *e = &w->entries[k];
            if (!stands_at(w, e, i, text))
                continue;
            e->found++;
            GR_PUSH(spans->at, spans->count, spans->capacity) =
                (gr__text_span){(uint32_t)w->line[i].from, (uint32_t)w->line[i + (size_t)e->count - 1].to, 1};
        }
    }
}
