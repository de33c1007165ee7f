/* read_wordnet.c - WordNet's data.{noun,verb,adj,adv}: a synset per line, whose fields wndb(5WN) describes:
 *
 *     offset file type words (word sense)... pointers (symbol offset type fields)... [frames (+ frame word)...] | gloss
 *
 * Every field is checked although only the words, the file's number and the gloss are used: a line that was cut or
 * overwritten shows itself this way.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/reader.h"
#include "io/line_reader.h"

/* Lexicographer files by their numbers, lexnames(5WN). */
static const char *const files[] = {
    "adj.all",          "adj.pert",           "adv.all",
    "noun.Tops",        "noun.act",           "noun.animal",
    "noun.artifact",    "noun.attribute",     "noun.body",
    "noun.cognition",   "noun.communication", "noun.event",
    "noun.feeling",     "noun.food",          "noun.group",
    "noun.location",    "noun.motive",        "noun.object",
    "noun.person",      "noun.phenomenon",    "noun.plant",
    "noun.possession",  "noun.process",       "noun.quantity",
    "noun.relation",    "noun.shape",         "noun.state",
    "noun.substance",   "noun.time",          "verb.body",
    "verb.change",      "verb.cognition",     "verb.communication",
    "verb.competition", "verb.consumption",   "verb.contact",
    "verb.creation",    "verb.emotion",       "verb.motion",
    "verb.perception",  "verb.possession",    "verb.social",
    "verb.stative",     "verb.weather",       "adj.ppl",
};
enum { FILES = sizeof files / sizeof *files };

/* A cursor over the line's fields and the document made of it. */
typedef struct synset {
    int32_t topics[FILES]; /* numbers of the 45 names in the corpus */
    const char *next, *end;
    const char *field; /* the current field */
    size_t length;
    int file;
    char *text;
    size_t count, capacity;
} synset;

/* The next field of the line: what stands between blanks. */
static bool next_field(synset *s) {
    while (s->next < s->end && *s->next == ' ')
        s->next++;
    s->field = s->next;
    while (s->next < s->end && *s->next != ' ')
        s->next++;
    s->length = (size_t)(s->next - s->field);
    return s->length > 0;
}

/* The value of a digit in base 16; 16 for what is none. */
static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* The next field as a number of exactly `digits` digits in base 10 or 16; -1 when it is none. */
static int next_number(synset *s, size_t digits, int base) {
    if (!next_field(s) || s->length != digits)
        return -1;

    /* Any digit beyond the base spoils the number. */
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (digit(s->field[i]) >= base)
            return -1;
        value = value * base + digit(s->field[i]);
    }
    return value;
}

/* The next field when it is one character of `set`, else 0. */
static char next_sign(synset *s, const char *set) {
    return next_field(s) && s->length == 1 && memchr(set, *s->field, strlen(set)) ? *s->field : '\0';
}

static void put(synset *s, char c) { GR_PUSH(s->text, s->count, s->capacity) = c; }

/* Length of a word without the marker of where an adjective may stand: "galore(ip)" is written "galore". */
static size_t unmarked(const char *word, size_t length) {
    static const char *const markers[] = {"(a)", "(p)", "(ip)"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(markers[i]);
        if (length > n && !memcmp(word + length - n, markers[i], n))
            return length - n;
    }
    return length;
}

/* Adds a word to the document; underscores stand for blanks in the file. */
static void put_headword(synset *s, bool first) {
    if (!first)
        put(s, ','), put(s, ' ');
    for (size_t i = 0, n = unmarked(s->field, s->length); i < n; i++)
        put(s, s->field[i] == '_' ? ' ' : s->field[i]);
}

/* The words of the synset, each with its sense; they begin the document. */
static const char *parse_words(synset *s) {
    int words = next_number(s, 2, 16);
    if (words < 1)
        return "expected the number of words (two hexadecimal digits)";
    for (int i = 0; i < words; i++) {
        if (!next_field(s) || *s->field == '|')
            return "expected a word";
        put_headword(s, i == 0);
        if (next_number(s, 1, 16) < 0)
            return "expected a word's sense (one hexadecimal digit)";
    }
    return NULL;
}

/* Pointers to other synsets, which are checked and passed over. */
static const char *parse_pointers(synset *s) {
    int pointers = next_number(s, 3, 10);
    if (pointers < 0)
        return "expected the number of pointers (three digits)";
    for (int i = 0; i < pointers; i++) {
        if (!next_field(s) || s->length > 2 || *s->field == '|')
            return "expected a pointer's symbol";
        if (next_number(s, 8, 10) < 0 || !next_sign(s, "nvasr") || next_number(s, 4, 16) < 0)
            return "expected a pointer's offset, part of speech and words";
    }
    return NULL;
}

/* Sentence frames of verbs, which are checked and passed over. */
static const char *parse_frames(synset *s) {
    int frames = next_number(s, 2, 10);
    if (frames < 0)
        return "expected the number of sentence frames (two digits)";
    for (int i = 0; i < frames; i++)
        if (!next_sign(s, "+") || next_number(s, 2, 10) < 0 || next_number(s, 2, 16) < 0)
            return "expected a sentence frame";
    return NULL;
}

/* NULL, or what is wrong with the current field. */
static const char *parse_synset(synset *s) {
    if (next_number(s, 8, 10) < 0)
        return "expected the synset's offset (eight digits)";
    s->file = next_number(s, 2, 10);
    if (s->file < 0 || s->file >= FILES)
        return "expected the number of a lexicographer file (00 to 44)";
    char type = next_sign(s, "nvasr");
    if (!type)
        return "expected a part of speech (n, v, a, s or r)";

    /* Words, pointers, and frames where it is a verb. */
    const char *wrong = parse_words(s);
    if (!wrong)
        wrong = parse_pointers(s);
    if (!wrong && type == 'v')
        wrong = parse_frames(s);
    if (wrong)
        return wrong;

    /* The gloss is the rest of the line, behind a bar. */
    if (!next_sign(s, "|"))
        return "expected \"|\" and the gloss";
    while (s->next < s->end && *s->next == ' ')
        s->next++;
    if (s->next == s->end)
        return "the gloss is empty";

    /* "headword, headword: gloss". */
    put(s, ':'), put(s, ' ');
    while (s->next < s->end)
        put(s, *s->next++);
    return NULL;
}

/* The error of a line, at the column of the field that is wrong. */
static gr_status corrupt(const char *path, const gr__lines *lines, const synset *s, const char *wrong, gr_error *err) {
    char place[GR__PLACE_SIZE];
    return gr_error_set(err, GR_ERR_FORMAT,
                        gr__place_text(place, path, lines->number, (size_t)(s->field - lines->text) + 1),
                        "the file is cut or damaged: install wordnet-base again", "%s, found \"%.*s\"", wrong,
                        s->length < 40 ? (int)s->length : 40, s->field);
}

/* A document for each line but those of the licence, which begin with two blanks. */
static gr_status read_lines(gr__sink *sink, gr__lines *lines, synset *s, const char *path, gr_error *err) {
    while (gr__lines_next(lines)) {
        if (lines->length >= 2 && !memcmp(lines->text, "  ", 2))
            continue; /* the licence at the top */

        /* Parse the line into the document of a synset. */
        s->next = s->field = lines->text;
        s->end = lines->text + lines->length;
        s->count = s->length = 0;
        const char *wrong = parse_synset(s);
        if (!wrong && !lines->closed)
            wrong = "the last line has no end";
        if (wrong)
            return corrupt(path, lines, s, wrong, err);
        GR_TRY(gr__sink_add(sink, s->text, s->count, s->topics[s->file], path, err));
    }
    return GR_OK;
}

/* The synsets of one part of speech. */
static gr_status read_file(gr__sink *sink, synset *s, const char *path, gr_error *err) {
    char *bytes;
    size_t length;
    GR_TRY(gr__file_read_text(&bytes, &length, path, "install WordNet: apt-get install wordnet-base", err));
    gr__lines lines = {.next = bytes, .end = bytes + length};
    gr_status status = read_lines(sink, &lines, s, path, err);
    gr_free(bytes);
    return status;
}

/* WordNet as it is installed: a folder with four files. */
static gr_status read_folder(gr__sink *sink, const gr_source *source, const char *folder, gr_error *err) {
    static const char *const parts[] = {"noun", "verb", "adj", "adv"};
    (void)source;
    synset s = {0};
    gr_status status = GR_OK;

    /* All 45 topics are there, in WordNet's order, whichever occur. */
    for (int i = 0; status == GR_OK && i < FILES; i++)
        status = gr__sink_topic(sink, &s.topics[i], files[i], strlen(files[i]), folder, err);

    /* The four files of synsets. */
    for (int i = 0; status == GR_OK && i < 4; i++) {
        char *path = gr_format("%s/data.%s", folder, parts[i]);
        status = read_file(sink, &s, path, err);
        gr_free(path);
    }
    gr_free(s.text);
    return status;
}

const gr__reader gr__reader_wordnet = {"wordnet", "data.noun", read_folder};
