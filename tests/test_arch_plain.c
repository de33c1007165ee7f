/* The forward pass of a transformer with regions, against the same arithmetic, slowly: plain loops in double. */
#include "arch_helpers.h"

static const gr_arch_region groups[] = {
    {.name = "a", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
    {.name = "b", .residual.add = 3, .mlp.add = 4, .heads.add = 1, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "c", .residual.add = 8, .mlp.add = 9, .heads.add = 1},
};

typedef struct plain {
    gr_model *m;
    const gr_arch_def *def;
    int width;             /* D and all groups */
    double x[ROWS][64];    /* the stream */
    double norm[ROWS][64]; /* and its norm */
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

static void normalise(plain *n, const char *name) {
    for (int t = 0; t < ROWS; t++) {
        double sum = 0;
        for (int j = 0; j < n->width; j++)
            sum += n->x[t][j] * n->x[t][j];
        for (int owner = -1; owner < n->def->region_count; owner++) {
            const gr_real *gain = matrix(n, owner, name);
            for (int j = owner < 0 ? 0 : n->def->width; j < seen(n, owner); j++) {
                int c = column(n, owner, j);
                n->norm[t][c] =
                    n->x[t][c] / sqrt(sum / n->width + n->def->eps) * (double)gain[owner < 0 ? j : j - n->def->width];
            }
        }
    }
}

static double read_row(const plain *n, int owner, int t, const gr_real *row) {
    double sum = 0;
    for (int j = 0; j < seen(n, owner); j++)
        sum += (double)row[j] * n->norm[t][column(n, owner, j)];
    return sum;
}

static void write_row(plain *n, int owner, int t, const gr_real *row, double value) {
    for (int j = 0; j < seen(n, owner); j++)
        n->x[t][column(n, owner, j)] += value * (double)row[j];
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
                write_row(n, owner, t, out + (size_t)(h * S + i) * (size_t)seen(n, owner), mixed[i] / total);
        }
    }
}

static void think(plain *n, int owner, int units, const gr_real *gate, const gr_real *up, const gr_real *down) {
    for (int t = 0; t < ROWS; t++)
        for (int u = 0; u < units; u++) {
            size_t at = (size_t)u * (size_t)seen(n, owner);
            double g = read_row(n, owner, t, gate + at);
            write_row(n, owner, t, down + at, g / (1 + exp(-g)) * read_row(n, owner, t, up + at));
        }
}

static int units_of(gr_model *m, const plain *n, int owner, const char *name) {
    char *text = gr_format("%s%s%s", owner < 0 ? "" : n->def->regions[owner].name, owner < 0 ? "" : ".", name);
    gr_param p = gr_model_find(m, text);
    gr_free(text);
    return p == GR_NONE ? 0 : gr_model_param(m, p)->rows;
}

static void test_reference(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.regions = groups;
    def.region_count = 3;
    plain n = {.m = build(&def, 9), .def = &def, .width = 16 + 6 + 3 + 8};
    disturb(n.m);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    for (int t = 0; t < ROWS; t++)
        for (int owner = -1; owner < 3; owner++) {
            int own = owner < 0 ? 16 : groups[owner].residual.add;
            for (int j = 0; j < own; j++)
                n.x[t][column(&n, owner, owner < 0 ? j : 16 + j)] =
                    (double)matrix(&n, owner, "embed")[b.ids[t] * own + j];
        }
    for (int i = 0; i < 2; i++) {
        char name[6][40];
        const char *format[] = {"layers.%d.attn.qkv", "layers.%d.attn.out", "layers.%d.mlp.gate", "layers.%d.mlp.up",
                                "layers.%d.mlp.down"};
        for (int k = 0; k < 5; k++)
            snprintf(name[k], sizeof name[k], format[k], i);
        snprintf(name[5], sizeof name[5], "layers.%d.attn.norm", i);
        normalise(&n, name[5]);
        for (int owner = -1; owner < 3; owner++)
            attend(&n, owner, units_of(n.m, &n, owner, name[1]) / 4, matrix(&n, owner, name[0]),
                   matrix(&n, owner, name[1]), b.start);
        snprintf(name[5], sizeof name[5], "layers.%d.mlp.norm", i);
        normalise(&n, name[5]);
        for (int owner = -1; owner < 3; owner++)
            think(&n, owner, units_of(n.m, &n, owner, name[3]), matrix(&n, owner, name[2]), matrix(&n, owner, name[3]),
                  matrix(&n, owner, name[4]));
    }
    normalise(&n, "norm");
    gr_real want[ROWS * VOCAB];
    for (int t = 0; t < ROWS; t++)
        for (int v = 0; v < VOCAB; v++) {
            double sum = 0;
            for (int owner = -1; owner < 3; owner++) {
                int own = owner < 0 ? 16 : groups[owner].residual.add;
                for (int j = 0; j < own; j++)
                    sum += (double)matrix(&n, owner, "embed")[v * own + j] *
                           n.norm[t][column(&n, owner, owner < 0 ? j : 16 + j)];
            }
            want[t * VOCAB + v] = (gr_real)sum;
        }
    gr_real *have = logits_of(n.m);
    assert_close(have, want, 2e-5);
    gr_free(have);
    gr_test_batch_free(&b);
    gr_model_free(n.m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests_name("plain arithmetic", tests, NULL, NULL);
}
