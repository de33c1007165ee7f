/* The forward pass of a transformer with regions, against the same arithmetic, slowly: plain loops in double. */
#include "arch_helpers.h"
#include "group_helpers.h"

enum { GROUPS = 3 };

static const gr_arch_region groups[GROUPS] = {
    {.name = "a", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
    {.name = "b", .residual.add = 3, .mlp.add = 4, .heads.add = 1, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "c", .residual.add = 8, .mlp.add = 9, .heads.add = 1},
};

typedef struct plain {
    gr_model *m;
    const gr_arch_def *def;
    double x[ROWS][64];                /* the stream: the core, then the groups */
    double norm[1 + GROUPS][ROWS][64]; /* and its norm, as the core and each group read it */
} plain;

static const gr_real *matrix(const plain *n, int owner, const char *name) {
    char *text = gr_format("%s%s%s", owner < 0 ? "" : n->def->regions[owner].name, owner < 0 ? "" : ".", name);
    gr_param p = gr_model_find(n->m, text);
    gr_free(text);
    return p == GR_NONE ? NULL : gr_model_data(n->m, p);
}

/* Column of the stream that the owner's column j stands for: the core's, then its own. */
static int column(const plain *n, int owner, int j) {
    if (j < n->def->width)
        return j;
    int at = n->def->width;
    for (int r = 0; r < owner; r++)
        at += n->def->regions[r].residual.add;
    return at + j - n->def->width;
}

static int seen(const plain *n, int owner) {
    return n->def->width + (owner < 0 ? 0 : n->def->regions[owner].residual.add);
}

static bool apart(const plain *n, int owner) {
    return owner >= 0 && n->def->regions[owner].group.norm == GR_GROUP_NORM_APART;
}

/* The first column that an owner writes: its matrices begin with that. */
static int first_written(const plain *n, int owner) {
    return owner >= 0 && n->def->regions[owner].group.writes == GR_GROUP_WRITES_OWN ? n->def->width : 0;
}

/* Whether the norm that a reader reads counts the columns of another owner itself. */
static bool counted(const plain *n, int reader, int owner) {
    return owner < 0 || owner == reader || (!apart(n, reader) && !apart(n, owner));
}

/* The norm as one reader reads it; NaN where it reads nothing. */
static void normalise_for(plain *n, int reader, int t, const char *name) {
    double sum = 0, square = 0, *norm = n->norm[1 + reader][t];
    const bool layer = n->def->norm == GR_NORM_LAYER;
    int columns = 0;
    for (int owner = -1; owner < GROUPS; owner++)
        for (int j = owner < 0 ? 0 : n->def->width; j < seen(n, owner) && counted(n, reader, owner); j++, columns++) {
            sum += n->x[t][column(n, owner, j)];
            square += n->x[t][column(n, owner, j)] * n->x[t][column(n, owner, j)];
        }
    const double mean = layer ? sum / columns : 0, spread = sqrt(square / columns - mean * mean + n->def->eps);
    char *shifts = gr_format("%s.shift", name);
    for (int owner = -1; owner < GROUPS; owner++) {
        const gr_real *gain = matrix(n, owner, name), *shift = matrix(n, owner, shifts);
        for (int j = owner < 0 ? 0 : n->def->width; j < seen(n, owner); j++) {
            int c = column(n, owner, j), at = owner < 0 ? j : j - n->def->width;
            norm[c] = NAN;
            if (gain && (owner < 0 || owner == reader))
                norm[c] = (n->x[t][c] - mean) / spread * (double)gain[at] + (layer ? (double)shift[at] : 0);
        }
    }
    gr_free(shifts);
}

static void normalise(plain *n, const char *name) {
    for (int t = 0; t < ROWS; t++)
        for (int reader = -1; reader < GROUPS; reader++)
            normalise_for(n, reader, t, name);
}

static double read_row(const plain *n, int owner, int t, const gr_real *row) {
    double sum = 0;
    for (int j = 0; j < seen(n, owner); j++)
        sum += (double)row[j] * n->norm[1 + owner][t][column(n, owner, j)];
    return sum;
}

/* Row u of a matrix that writes, times a value, goes into the stream. */
static void write_row(plain *n, int owner, int t, const gr_real *matrix, int u, double value) {
    const int first = first_written(n, owner), cols = seen(n, owner) - first;
    for (int j = 0; j < cols; j++)
        n->x[t][column(n, owner, first + j)] += value * (double)matrix[u * cols + j];
}

static void rotate(double *v, int size, double base, int position) {
    for (int i = 0; i < size; i += 2) {
        double angle = position * pow(base, -(double)i / size), a = v[i], b = v[i + 1];
        v[i] = a * cos(angle) - b * sin(angle);
        v[i + 1] = a * sin(angle) + b * cos(angle);
    }
}

static void attend(plain *n, int owner, int heads, const gr_real *qkv, const gr_real *out, const int32_t *start) {
    enum { S = 4 };
    for (int h = 0; h < heads; h++) {
        double v[3][ROWS][S];
        for (int t = 0; t < ROWS; t++)
            for (int k = 0; k < 3; k++) {
                for (int i = 0; i < S; i++)
                    v[k][t][i] = read_row(n, owner, t, qkv + (size_t)((h * 3 + k) * S + i) * (size_t)seen(n, owner));
                if (k < 2)
                    rotate(v[k][t], S, n->def->rotary_base, t - start[t]);
            }
        for (int t = 0; t < ROWS; t++) {
            double total = 0, mixed[S] = {0};
            for (int s = start[t]; s <= t; s++) {
                double dot = 0;
                for (int i = 0; i < S; i++)
                    dot += v[0][t][i] * v[1][s][i];
                double w = exp(dot / sqrt((double)S));
                total += w;
                for (int i = 0; i < S; i++)
                    mixed[i] += w * v[2][s][i];
            }
            for (int i = 0; i < S; i++)
                write_row(n, owner, t, out, h * S + i, mixed[i] / total);
        }
    }
}

static void think(plain *n, int owner, int units, const gr_real *gate, const gr_real *up, const gr_real *down) {
    for (int t = 0; t < ROWS; t++)
        for (int u = 0; u < units; u++) {
            size_t at = (size_t)u * (size_t)seen(n, owner);
            double g = read_row(n, owner, t, gate + at);
            write_row(n, owner, t, down, u, g / (1 + exp(-g)) * read_row(n, owner, t, up + at));
        }
}

static int units_of(gr_model *m, const plain *n, int owner, const char *name) {
    char *text = gr_format("%s%s%s", owner < 0 ? "" : n->def->regions[owner].name, owner < 0 ? "" : ".", name);
    gr_param p = gr_model_find(m, text);
    gr_free(text);
    return p == GR_NONE ? 0 : gr_model_param(m, p)->rows;
}

/* The stream begins as the tokens' rows of all embeddings. */
static void embed(plain *n, const int32_t *ids) {
    for (int t = 0; t < ROWS; t++)
        for (int owner = -1; owner < GROUPS; owner++) {
            int own = owner < 0 ? 16 : groups[owner].residual.add;
            for (int j = 0; j < own; j++)
                n->x[t][column(n, owner, owner < 0 ? j : 16 + j)] = (double)matrix(n, owner, "embed")[ids[t] * own + j];
        }
}

static void layer(plain *n, int i, const int32_t *start) {
    static const char *const format[] = {"layers.%d.attn.qkv", "layers.%d.attn.out", "layers.%d.mlp.gate",
                                         "layers.%d.mlp.up",   "layers.%d.mlp.down", "layers.%d.attn.norm",
                                         "layers.%d.mlp.norm"};
    char name[7][40];
    for (int k = 0; k < 7; k++)
        snprintf(name[k], sizeof name[k], format[k], i);
    normalise(n, name[5]);
    for (int owner = -1; owner < GROUPS; owner++)
        attend(n, owner, units_of(n->m, n, owner, name[1]) / 4, matrix(n, owner, name[0]), matrix(n, owner, name[1]),
               start);
    normalise(n, name[6]);
    for (int owner = -1; owner < GROUPS; owner++)
        think(n, owner, units_of(n->m, n, owner, name[3]), matrix(n, owner, name[2]), matrix(n, owner, name[3]),
              matrix(n, owner, name[4]));
}

/* Each owner reads its own columns of the last norm, as it reads it. */
static void read_logits(plain *n, gr_real *want) {
    normalise(n, "norm");
    for (int t = 0; t < ROWS; t++)
        for (int v = 0; v < VOCAB; v++) {
            double sum = 0;
            for (int owner = -1; owner < GROUPS; owner++) {
                int own = owner < 0 ? 16 : groups[owner].residual.add;
                for (int j = 0; j < own; j++)
                    sum += (double)matrix(n, owner, "embed")[v * own + j] *
                           n->norm[1 + owner][t][column(n, owner, owner < 0 ? j : 16 + j)];
            }
            want[t * VOCAB + v] = (gr_real)sum;
        }
}

/* The groups are of these kinds. */
static void compare(gr_norm norm, int a, int b, int c) {
    gr_arch_region region[GROUPS] = {groups[0], groups[1], groups[2]};
    gr_arch_def def = small_def();
    region[0].group = group_of(a), region[1].group = group_of(b), region[2].group = group_of(c);
    def.norm = norm;
    def.regions = region;
    def.region_count = GROUPS;
    plain n = {.m = build(&def, 9), .def = &def};
    disturb(n.m);
    gr_test_batch batch = gr_test_batch_new(ROWS, VOCAB, 5);
    gr_real want[ROWS * VOCAB];
    embed(&n, batch.ids);
    for (int i = 0; i < 2; i++)
        layer(&n, i, batch.start);
    read_logits(&n, want);
    gr_real *have = logits_of(n.m);
    assert_close(have, want, 2e-5);
    gr_free(have);
    gr_test_batch_free(&batch);
    gr_model_free(n.m);
}

static void test_reference(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        compare(GR_NORM_RMS, kind, kind, kind);
    compare(GR_NORM_RMS, APART, 0, APART + OWN);
    compare(GR_NORM_RMS, 0, OWN, APART);
    compare(GR_NORM_LAYER, APART, APART + OWN, APART);
    compare(GR_NORM_LAYER, APART + OWN, APART, APART + OWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests_name("plain arithmetic", tests, NULL, NULL);
}
