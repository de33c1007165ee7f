/* gradroute data show: documents, topics, groups and labels of a recipe in numbers, and examples of each label. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "common.h"
#include "data_actions.h"
#include "data_labels.h"
#include "screen.h"

static const char doc[] =
    "What the data section of RECIPE gives: documents, duplicates, tokens, each topic and where it goes, how many "
    "labels are known, and how full the rows are; for each label how many documents and tokens have it and are shown "
    "with it, the words and matches that were found, and some documents with their labels marked. Writes nothing."
    "\v"
    "Examples:\n"
    "  gradroute data show recipes/demo.yaml\n"
    "  gradroute data show recipes/half-labels.yaml --json\n"
    "  gradroute data show recipes/demo.yaml --samples 10\n"
    "\n"
    "Labels are marked by colour on a terminal (NO_COLOR turns it off): hidden ones are underlined, wrong ones struck "
    "through. Elsewhere a stretch of text stands as [LABEL: TEXT], with [LABEL?: ..] where the label is hidden and "
    "[LABEL!: ..] where it is wrong.\n" GR__EXIT_STATUS;

enum { KEY_SAMPLES = GR__KEY_OWN, SAMPLES = 2 };

static const struct argp_option options[] = {
    {"samples", KEY_SAMPLES, "N", 0, "Documents to show for each label and for the core (default 2)", 0},
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct show_options {
    gr__common common; /* first: parsing hands it on */
    int samples;
} show_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    show_options *own = state->input;
    if (key != KEY_SAMPLES)
        return gr__common_parse(key, arg, state, &own->common);
    own->samples = (int)gr__option_int(state, "samples", arg, 0, 1000);
    return 0;
}

/* What there is of a topic or a group. */
typedef struct amount {
    int64_t train, validation, test; /* documents */
    int64_t known, tokens;           /* training documents; tokens of all */
    int64_t trained;                 /* targets of training rows that count */
    uint32_t last;                   /* number + 1 of the document met last */
    int64_t *groups;                 /* [group_count] of a topic: its documents in each group; else NULL */
} amount;

typedef enum part { TRAIN, VALIDATION, TEST } part;

/* Documents, also where they are in pieces, unless pieces are split apart; known: of a document's first piece. */
static void add(amount *to, const gr_project *project, const uint32_t *docs, size_t count, part which, bool by_topic) {
    const gr_dataset *data = project->data;
    const gr_labels *labels = project->labels;
    const uint32_t *document = gr_dataset_drawn_by(data);

    for (size_t i = 0; i < count; i++) {
        uint32_t d = docs[i], number = (document ? document[d] : d) + 1;
        amount *at = &to[by_topic ? data->topics.of[d] : labels->group[d]];

        at->tokens += (int64_t)(data->offsets[d + 1] - data->offsets[d]); /* of every piece */
        /* Topics are counted without labels: then every target of a row counts. */
        if (which == TRAIN)
            at->trained +=
                gr_dataset_scored(data, by_topic ? NULL : labels, NULL, d, project->recipe->data.context).tokens;

        if (at->last == number)
            continue;
        at->last = number;

        /* The document's first piece. */
        at->train += which == TRAIN;
        at->validation += which == VALIDATION;
        at->test += which == TEST;
        at->known += which == TRAIN && labels->revealed[d] == labels->truth[d];
        if (by_topic)
            at->groups[labels->group[d]]++;
    }
}

/* The amounts of each topic, or of each group. */
static amount *amounts(const gr_project *project, int count, bool by_topic) {
    const gr_dataset *data = project->data;
    size_t groups = (size_t)project->labels->group_count;
    amount *list = gr_alloc(sizeof *list * ((size_t)count + 1));
    if (by_topic)
        for (int i = 0; i < count; i++)
            list[i].groups = gr_alloc(sizeof *list[i].groups * groups);

    add(list, project, data->train, data->train_count, TRAIN, by_topic);
    add(list, project, data->validation, data->validation_count, VALIDATION, by_topic);
    add(list, project, data->test, data->test_count, TEST, by_topic);
    return list;
}

static void free_amounts(amount *list, int count) {
    for (int i = 0; i < count; i++)
        gr_free(list[i].groups);
    gr_free(list);
}

/* The group that most documents of a topic are in, the first of equals. */
static int main_group(const gr_project *project, const amount *topic) {
    int best = 0;
    for (int g = 1; g < project->labels->group_count; g++)
        if (topic->groups[g] > topic->groups[best])
            best = g;
    return best;
}

/* "retain", or where a label splits the topic "retain 40, birds 2": the largest first. Returns text. */
static char *groups_text(const gr_project *project, const amount *topic) {
    const gr_labels *labels = project->labels;
    int first = main_group(project, topic);
    bool whole = topic->groups[first] == topic->train + topic->validation + topic->test;
    char count[32],
        *text = whole ? gr_strdup(labels->group_names[first])
                      : gr_format("%s %s", labels->group_names[first], gr__text_count(count, topic->groups[first]));

    /* the others in the order of groups */
    for (int g = 0; g < labels->group_count; g++) {
        if (g == first || !topic->groups[g])
            continue;
        char *longer = gr_format("%s, %s %s", text, labels->group_names[g], gr__text_count(count, topic->groups[g]));
        gr_free(text);
        text = longer;
    }
    return text;
}

/* The groups that a topic's documents are in, with their numbers. */
static json_t *groups_json(const gr_project *project, const amount *topic) {
    json_t *groups = json_object();
    for (int g = 0; g < project->labels->group_count; g++)
        if (topic->groups[g])
            json_object_set_new(groups, project->labels->group_names[g], json_integer((json_int_t)topic->groups[g]));
    return groups;
}

/* How the training documents fill the rows that the recipe would train on. */
static gr_status pack(gr_stream_facts *facts, const gr_project *project, gr_error *err) {
    const gr_recipe *recipe = project->recipe;
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;

    def.rows = recipe->train.batch;
    def.width = recipe->data.context;
    def.seed = recipe->order_seed;
    def.mixed = recipe->data.mixed;
    def.docs = project->data->train;
    def.doc_count = project->data->train_count;

    /* A stream packs the rows when it is made; how, it tells. */
    if (project->shards)
        GR_TRY(gr_stream_new_shards(&stream, project->shards, &def, err));
    else
        GR_TRY(gr_stream_new(&stream, project->data, project->labels, &def, err));
    *facts = gr_stream_describe(stream);
    gr_stream_free(stream);
    return GR_OK;
}

/* A topic or group for programs. */
static json_t *amount_json(const char *name, const amount *a) {
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "name", gr_json_text(name), "train", (json_int_t)a->train,
                     "validation", (json_int_t)a->validation, "test", (json_int_t)a->test, "known",
                     (json_int_t)a->known, "tokens", (json_int_t)a->tokens, "trained", (json_int_t)a->trained);
}

/* What becomes of documents that are longer than a row. */
static json_t *lengths_json(const gr_project *project, const gr_lengths *l) {
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "way", project->recipe->data.cut ? "cut" : "split",
                     "documents", (json_int_t)l->documents, "pieces", (json_int_t)l->pieces, "runs",
                     (json_int_t)l->runs, "gaps", (json_int_t)l->gaps, "tokens_lost", (json_int_t)l->lost, "share_lost",
                     gr__json_real(l->all ? (double)l->lost / (double)l->all : 0));
}

/* Near duplicates between training and held-out documents, with an example each; null where nobody looked. */
static json_t *overlap_json(const gr_overlap *o) {
    if (!o->compared)
        return json_null();

    /* How many of the held-out documents, by whether they have a label, and of the unlabelled training documents. */
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I}", "held", (json_int_t)o->held, "held_forget",
                             (json_int_t)o->held_forget, "held_other", (json_int_t)o->held_other, "unlabelled",
                             (json_int_t)o->unlabelled, "dropped", (json_int_t)o->dropped);

    if (o->held_forget + o->held_other)
        json_object_set_new(json, "held_example",
                            json_pack("[I, I]", (json_int_t)o->held_example[0], (json_int_t)o->held_example[1]));
    if (o->unlabelled)
        json_object_set_new(
            json, "unlabelled_example",
            json_pack("[I, I]", (json_int_t)o->unlabelled_example[0], (json_int_t)o->unlabelled_example[1]));
    return json;
}

/* The same for people. */
static void print_overlap(const gr_overlap *o, const char *unit) {
    if (!o->compared)
        return;
    printf("near       %s of %s held-out %s %s near %s of\n"
           "           training %s (%s of a label)",
           gr__text_count((char[32]){0}, o->held_forget + o->held_other), gr__text_count((char[32]){0}, o->held),
           gr__unit(unit, o->held), gr__plural(o->held_forget + o->held_other, "is a", "are"),
           gr__plural(o->held_forget + o->held_other, "duplicate", "duplicates"), unit,
           gr__text_count((char[32]){0}, o->held_forget));
    if (o->dropped)
        printf("; %s %s dropped", gr__text_count((char[32]){0}, o->dropped), gr__plural(o->dropped, "was", "were"));
    printf("\nnear       %s training %s without a label %s of\n           labelled ones\n",
           gr__text_count((char[32]){0}, o->unlabelled), gr__unit(unit, o->unlabelled),
           gr__plural(o->unlabelled, "is a near duplicate", "are near duplicates"));
}

/* Documents, or pieces where these are split. */
static int64_t documents_of(const gr_dataset *data, const uint32_t *docs, size_t count) {
    return (int64_t)(data->apart ? count : gr_dataset_documents(data, docs, count));
}

static void print_json(const gr_project *project, const amount *topics, const amount *groups,
                       const gr_stream_facts *facts, const gr_lengths *lengths, const gr_overlap *overlap,
                       int samples) {
    const gr_dataset *data = project->data, *whole = data->whole ? data->whole : data;
    json_t *by_topic = json_array(), *by_group = json_array();

    /* A topic goes where most of its documents go; the others are listed. */
    for (int i = 0; i < data->topics.count; i++) {
        json_t *one = amount_json(data->topics.names[i], &topics[i]);
        if (topics[i].train + topics[i].validation + topics[i].test)
            json_object_set_new(one, "group",
                                json_string(project->labels->group_names[main_group(project, &topics[i])]));
        json_object_set_new(one, "groups", groups_json(project, &topics[i]));
        json_array_append_new(by_topic, one);
    }
    for (int i = 0; i < project->labels->group_count; i++)
        json_array_append_new(by_group, amount_json(project->labels->group_names[i], &groups[i]));

    /* Everything in one object. */
    gr__print_json(json_pack(
        "{s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I, s:o, s:I}}",
        "read", (json_int_t)data->read, "duplicates", (json_int_t)data->duplicates, "skipped",
        (json_int_t)data->skipped, "documents", (json_int_t)whole->topics.docs, "fallback", data->used_fallback,
        "train", (json_int_t)documents_of(data, data->train, data->train_count), "validation",
        (json_int_t)documents_of(data, data->validation, data->validation_count), "test",
        (json_int_t)documents_of(data, data->test, data->test_count), "vocab", data->vocab, "tokens",
        (json_int_t)data->offsets[data->topics.docs], "long", lengths_json(project, lengths), "near",
        overlap_json(overlap), "passes", gr__json_real(lengths->passes), "topics", by_topic, "groups", by_group,
        "labels", gr__labels_json(project), "samples", gr__samples_json(project, samples), "packing", "rows",
        (json_int_t)facts->rows, "positions", (json_int_t)facts->positions, "fill", gr__json_real(facts->fill), "cut",
        (json_int_t)facts->cut));
}

/* A line of the tables; held-out documents of both kinds together. */
static void print_amount(const char *name, const amount *a, const char *group) {
    printf("  %-18.40s %7s %7s %8s %11s%s%s\n", gr__screen_name((char[256]){0}, 256, name),
           gr__text_count((char[32]){0}, a->train), gr__text_count((char[32]){0}, a->known),
           gr__text_count((char[32]){0}, a->validation + a->test), gr__text_count((char[32]){0}, a->tokens),
           *group ? "  " : "", group);
}

/* The whole report for people: from the data as a whole to single documents. */
static void print_text(const gr_project *project, const amount *topics, const amount *groups,
                       const gr_stream_facts *facts, const gr_lengths *lengths, const gr_overlap *overlap,
                       int samples) {
    const gr_dataset *data = project->data;
    const gr_labels *labels = project->labels;

    /* The data as a whole. */
    printf("documents  %s (%s read, %s %s dropped, %s without text)%s\n",
           gr__text_count((char[32]){0}, (int64_t)(data->whole ? data->whole : data)->topics.docs),
           gr__text_count((char[32]){0}, (int64_t)data->read), gr__text_count((char[32]){0}, (int64_t)data->duplicates),
           gr__plural((int64_t)data->duplicates, "duplicate", "duplicates"),
           gr__text_count((char[32]){0}, (int64_t)data->skipped),
           data->used_fallback ? "; a source is missing and its fallback was read" : "");
    if (data->values)
        printf("samples    of %d %s, read as (v / 255 - %g) / %g\n", data->value_width,
               gr__plural(data->value_width, "value", "values"), data->mean, data->std);
    else
        printf("tokens     %s of a vocabulary of %s\n",
               gr__text_count((char[32]){0}, (int64_t)data->offsets[data->topics.docs]),
               gr__text_count((char[32]){0}, data->vocab));
    printf("packing    %s %s of %d, %.1f %% full\n", gr__text_count((char[32]){0}, facts->rows),
           gr__plural(facts->rows, "row", "rows"), project->recipe->data.context, 100 * facts->fill);
    gr__print_lengths(lengths, project->recipe->data.context, "length     ");
    print_overlap(overlap, gr_dataset_unit(data));

    /* Groups, then topics and the groups that they went to. */
    printf("  %-18s %7s %7s %8s %11s\n", "group", "train", "known", "held out", "tokens");
    for (int i = 0; i < labels->group_count; i++)
        print_amount(labels->group_names[i], &groups[i], "");
    printf("  %-18s %7s %7s %8s %11s  %s\n", "topic", "train", "known", "held out", "tokens", "group");
    for (int i = 0; i < data->topics.count; i++) {
        char *of = groups_text(project, &topics[i]);
        if (topics[i].train + topics[i].validation + topics[i].test)
            print_amount(data->topics.names[i], &topics[i], of);
        gr_free(of);
    }

    gr__labels_print(project);
    if (labels->label_count)
        gr__samples_print(project, samples);
}

/* Shards know their labels; topics are those of the text, which is not read again. */
static void show_shards(const gr_project *project, const gr_stream_facts *facts, const gr_lengths *lengths, bool json) {
    const gr_shards *s = project->shards;

    /* What the shards hold as a whole. */
    json_t *labels = json_array();
    if (!json) {
        printf("documents  %s in %d %s, %s held out (%s read, %s %s dropped, %s without text)\n",
               gr__text_count((char[32]){0}, s->documents), s->count, gr__plural(s->count, "shard", "shards"),
               gr__text_count((char[32]){0}, (int64_t)(s->held->validation_count + s->held->test_count)),
               gr__text_count((char[32]){0}, s->read), gr__text_count((char[32]){0}, s->duplicates),
               gr__plural(s->duplicates, "duplicate", "duplicates"), gr__text_count((char[32]){0}, s->skipped));
        printf("tokens     %s of a vocabulary of %s\n", gr__text_count((char[32]){0}, s->tokens),
               gr__text_count((char[32]){0}, s->held->vocab));
        printf("packing    %s %s of %d, %.1f %% full\n", gr__text_count((char[32]){0}, facts->rows),
               gr__plural(facts->rows, "row", "rows"), s->context, 100 * facts->fill);
        gr__print_lengths(lengths, s->context, "length     ");
        printf("  %-24s %10s %10s\n", "label", "train", "known");
    }

    /* Each label: documents that have it, documents that are shown with it. */
    for (int k = 0; k <= s->labels; k++) {
        const char *name = k ? s->label_names[k - 1] : "core";
        if (!json)
            printf("  %-24.40s %10s %10s\n", name, gr__text_count((char[32]){0}, s->truth[k + 1]),
                   gr__text_count((char[32]){0}, s->revealed[k + 1]));
        json_array_append_new(labels, json_pack("{s:s, s:I, s:I}", "name", name, "train", (json_int_t)s->truth[k + 1],
                                                "known", (json_int_t)s->revealed[k + 1]));
    }

    if (json)
        gr__print_json(json_pack(
            "{s:I, s:I, s:I, s:i, s:I, s:I, s:I, s:i, s:I, s:O, s:o, s:o, s:{s:I, s:I, s:o, s:I}}", "read",
            (json_int_t)s->read, "duplicates", (json_int_t)s->duplicates, "skipped", (json_int_t)s->skipped, "shards",
            s->count, "train", (json_int_t)s->documents, "validation", (json_int_t)s->held->validation_count, "test",
            (json_int_t)s->held->test_count, "vocab", s->held->vocab, "tokens", (json_int_t)s->tokens, "labels", labels,
            "long", lengths_json(project, lengths), "passes", gr__json_real(lengths->passes), "packing", "rows",
            (json_int_t)facts->rows, "positions", (json_int_t)facts->positions, "fill", gr__json_real(facts->fill),
            "cut", (json_int_t)facts->cut));
    json_decref(labels);
}

/* What there is to say of the opened data. */
static gr_status show_project(const show_options *own, const gr_project *project, gr_error *err) {
    gr_stream_facts facts;
    gr_lengths lengths;
    gr_overlap overlap;
    GR_TRY(pack(&facts, project, err));
    GR_TRY(gr_project_lengths(&lengths, project, err));
    GR_TRY(gr_project_overlap(&overlap, project, err));

    /* Packed shards know less of their text than a dataset does. */
    if (project->shards) {
        show_shards(project, &facts, &lengths, own->common.json);
        return GR_OK;
    }

    /* The same documents twice: by topic, and by group. */
    amount *topics = amounts(project, project->data->topics.count, true);
    amount *groups = amounts(project, project->labels->group_count, false);
    if (own->common.json)
        print_json(project, topics, groups, &facts, &lengths, &overlap, own->samples);
    else
        print_text(project, topics, groups, &facts, &lengths, &overlap, own->samples);
    free_amounts(topics, project->data->topics.count);
    free_amounts(groups, project->labels->group_count);
    return GR_OK;
}

static gr_status show(const show_options *own, gr_error *err) {
    gr_recipe *recipe;
    gr_project *project;
    GR_TRY(gr__open_recipe(&recipe, &own->common, err));
    gr_control control = {.threads = own->common.threads};
    gr_status status = gr_project_open(&project, recipe, NULL, &control, err);
    if (status == GR_OK) {
        status = show_project(own, project, err);
        gr_project_free(project);
    }
    gr_recipe_free(recipe);
    return status;
}

int gr__data_show(int argc, char **argv) {
    show_options own = {.common.what = "RECIPE", .samples = SAMPLES};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &own);
    return gr__end_command(&own.common, show(&own, &err), &err);
}
